/* A second click on a form's button within four seconds does nothing: the server would answer it the same way,
   but the person would wait twice. */
export function once(root) {
  root.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const form = event.target;
    if (form.method !== "post" || form.dataset.sending) { if (form.dataset.sending) event.preventDefault(); return; }
    form.dataset.sending = "1";
    setTimeout(() => { delete form.dataset.sending; }, 4000);
  });
}
