/* Shortcuts of the operators: each presses a button or link that is on the page (data-key), or goes into the box of
   that key. Silent while somebody types, with a modifier key, and once switched off. */
const KEPT = "keys";

export function keys(root) {
  if (!root.querySelector("[data-key]")) return;
  const desk = root.querySelector("[data-keys]") || root;
  let on = true;
  try { on = localStorage.getItem(KEPT) !== "off"; } catch { /* no storage: on */ }
  const button = desk.querySelector("[data-keys-switch]");
  const say = () => { button.textContent = on ? button.dataset.off : button.dataset.on; };
  if (button) {
    button.hidden = false;
    say();
    button.addEventListener("click", () => {
      on = !on;
      try { localStorage.setItem(KEPT, on ? "on" : "off"); } catch { /* for this page */ }
      say();
    });
  }
  const decides = desk.querySelector("[data-decides]");
  const choose = (radio) => { if (decides && radio.dataset.says) decides.textContent = radio.dataset.says; };
  for (const radio of desk.querySelectorAll("input[data-says]")) {
    radio.addEventListener("change", () => choose(radio));
    if (radio.checked) choose(radio);
  }
  root.addEventListener("keydown", (event) => {
    if (!on || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("textarea, select, input:not([type=radio], [type=checkbox])")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : "";
    const target = [...desk.querySelectorAll("[data-key]")].find((el) => el.dataset.key === key);
    if (!target) return;
    event.preventDefault();
    if (target.type === "search") { target.focus(); target.select(); return; }
    target.click();
    if (target.type !== "radio") return;
    const next = target.value === "approve" ? decides
      : "opens" in target.dataset ? desk.querySelector(".note summary") : desk.querySelector("#reason");
    if (next) next.focus();
  });
}
