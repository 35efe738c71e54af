/* <input data-price="/…/price">: what a buyer pays and the expert receives, worked out by the server as one types.
   The answer's amounts go where [data-amount=name] says; without this file a button does it. */
export function price(root) {
  const field = root.querySelector("input[data-price]");
  if (!field) return;
  let timer, asked = 0;
  const show = (said) => {
    for (const el of root.querySelectorAll("[data-amount]")) el.textContent = said[el.dataset.amount] || (el.dataset.amount === "error" ? "" : "–");
  };
  async function ask() {
    const number = ++asked;
    try {
      const answer = await fetch(`${field.dataset.price}?price=${encodeURIComponent(field.value)}`, { credentials: "same-origin", headers: { Accept: "application/json" } });
      const said = await answer.json();
      if (number === asked) show(said);
    } catch { /* the amounts stay; saving works them out */ }
  }
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 250); });
}
