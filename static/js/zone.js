/* <form data-zone-form> (hidden, with its CSRF field and name="zone") is on the page only while we know no zone
   of this reader. The browser's own is sent once; a reload shows the times in it. */
export function zone(root) {
  const form = root.querySelector("form[data-zone-form]");
  if (!form || sessionStorage.getItem("zone-sent")) return;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!name || name === form.dataset.zoneForm) return;
  sessionStorage.setItem("zone-sent", "1");
  form.elements.zone.value = name;
  const body = new FormData(form);
  fetch(form.action, { method: "POST", body, credentials: "same-origin", redirect: "manual",
    headers: { "X-CSRFToken": String(body.get("csrf_token") || "") } }).catch(() => {});
}
