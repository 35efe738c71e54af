/* The menus are <details>; this only closes them on Escape and on a click elsewhere. */
export function menus(root) {
  const open = () => root.querySelectorAll("details.menu[open], details.account[open]");
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const el of open()) { el.open = false; el.querySelector("summary").focus(); }
  });
  root.addEventListener("click", (event) => {
    for (const el of open()) if (!el.contains(event.target)) el.open = false;
  });
}
