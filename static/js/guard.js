/* <form data-guard>: the browser asks before what was typed is lost. */
export function guard(root) {
  for (const form of root.querySelectorAll("form[data-guard]")) {
    let dirty = false;
    form.addEventListener("input", () => { dirty = true; });
    form.addEventListener("saved", () => { dirty = false; });
    form.addEventListener("submit", () => { dirty = false; });
    window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  }
}
