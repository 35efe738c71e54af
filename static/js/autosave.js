/* <form data-autosave="/fr/…" data-saved="Saved at {time}" data-failed="Kept on this device, not saved yet">
   with a <output data-autosave-status aria-live="polite">. Saves two seconds after the last key and on leaving
   a field; what could not be sent stays in this browser until it can. */
const WAIT = 2000;

export function autosave(root) {
  for (const form of root.querySelectorAll("form[data-autosave]")) watch(form);
}

function watch(form) {
  // Inside the form, or beside it with form="its id".
  const status = [...form.elements].find((el) => "autosaveStatus" in el.dataset);
  const key = `draft:${form.dataset.autosave}`;
  let timer, sent = snapshot(form), running = false, again = false, leaving = false;

  const say = (text) => { if (status && text) status.textContent = text; };
  restore(form, key, sent);

  async function save() {
    clearTimeout(timer);
    const now = snapshot(form);
    if (now === sent || leaving) return;
    if (running) { again = true; return; }
    running = true;
    let why;
    try {
      const body = new FormData(form);
      const answer = await fetch(form.dataset.autosave, {
        method: "POST", body, credentials: "same-origin", redirect: "manual",
        headers: { "X-CSRFToken": String(body.get("csrf_token") || ""), "X-Autosave": "1", Accept: "application/json" },
      });
      if (!answer.ok) {
        why = (await answer.json().catch(() => ({}))).error;
        // Another window saved meanwhile: sending the form shows both. Kept here, a later page would put it over theirs.
        if (answer.status === 409) { leaving = true; say(why); return; }
        throw new Error(String(answer.status));
      }
      sent = now;
      // The server counts revisions, so that two windows never overwrite each other.
      const said = await answer.json();
      if (form.elements.revision && said.revision) form.elements.revision.value = said.revision;
      form.dispatchEvent(new CustomEvent("saved"));
      localStorage.removeItem(key);
      const time = new Intl.DateTimeFormat(document.documentElement.lang === "fr" ? "fr-FR" : "en-GB",
        { hour: "numeric", minute: "2-digit" }).format(new Date());
      say((form.dataset.saved || "").replace("{time}", document.documentElement.lang === "fr"
        ? time.replace(":", "\u202fh\u202f") : time));
    } catch {
      try { localStorage.setItem(key, now); } catch { /* storage full or forbidden: the form still holds the text */ }
      say(why || form.dataset.failed);
    } finally {
      running = false;
      form.dispatchEvent(new CustomEvent("idle"));
      if (again) { again = false; save(); }
    }
  }

  // Back from the history, a page kept as it was saves again.
  window.addEventListener("pageshow", () => { leaving = false; });
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(save, WAIT); });
  // Leaving a field for the button that sends the form: sending saves it, two saves would meet.
  form.addEventListener("focusout", (event) => { if (event.relatedTarget?.type !== "submit") save(); });
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    localStorage.removeItem(key);
    leaving = true;
    if (!running) return;
    // A save is on its way and will raise the revision: send after it, with the new one.
    event.preventDefault();
    again = false;
    form.addEventListener("idle", () => form.requestSubmit(event.submitter ?? undefined), { once: true });
  });
}

function fields(form) {
  return [...form.elements].filter((el) => el.name && el.name !== "csrf_token" && el.name !== "revision" && el.type !== "file" && el.type !== "submit");
}

function snapshot(form) {
  return JSON.stringify(fields(form).map((el) => [el.name, el.type === "checkbox" || el.type === "radio" ? el.checked : el.value]));
}

function restore(form, key, sent) {
  let kept;
  try { kept = localStorage.getItem(key); } catch { return; }
  if (!kept || kept === sent) return;
  const values = JSON.parse(kept);
  const inputs = fields(form);
  if (values.length !== inputs.length) return;
  inputs.forEach((el, i) => {
    if (el.name !== values[i][0] || el.type === "hidden") return;
    if (typeof values[i][1] === "boolean") el.checked = values[i][1]; else el.value = values[i][1];
  });
  form.dispatchEvent(new Event("input", { bubbles: true }));
}
