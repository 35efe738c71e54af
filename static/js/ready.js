/* A ready sentence, chosen beside a text, is written into it: instead of another one, else below what is typed.
   Without script the server sends the one chosen where the text is empty. */
export function ready(root) {
  for (const choice of root.querySelectorAll("select[data-fills]")) {
    const text = choice.form.elements[choice.dataset.fills];
    choice.addEventListener("change", () => {
      const one = choice.selectedOptions[0];
      if (!one.value) return;
      const typed = text.value.trim();
      const other = [...choice.options].some((option) => option.value && option.text === typed);
      text.value = typed && !other ? `${typed}\n${one.text}` : one.text;
      const radio = one.dataset.for && choice.form.querySelector(`[name=decision][value="${one.dataset.for}"]`);
      if (radio && !radio.checked) radio.click();
    });
  }
}
