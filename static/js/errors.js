/* After a refused form the summary on top takes the focus, so that it is read first. */
export function focusErrors(root) {
  root.querySelector("[data-error-summary]")?.focus();
}
