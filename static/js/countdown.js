/* <span data-deadline="2026-11-24T09:47:00Z" data-now="2026-11-24T09:24:00Z" data-one="{n} minute left"
   data-many="{n} minutes left" data-over="time is up">: the platform's clock may stand apart from the
   browser's, so what counts is the time passed since the page was made. */
export function countdowns(root) {
  const loaded = performance.now();
  for (const el of root.querySelectorAll("[data-deadline]")) {
    const until = Date.parse(el.dataset.deadline);
    const start = el.dataset.now ? Date.parse(el.dataset.now) : Date.now();
    if (Number.isNaN(until) || Number.isNaN(start)) continue;
    const show = () => {
      const left = until - start - (performance.now() - loaded);
      const minutes = Math.ceil(left / 60000);
      const words = left <= 0 ? el.dataset.over : minutes === 1 ? el.dataset.one : el.dataset.many;
      const text = (words || "").replace("{n}", String(minutes));
      if (el.textContent !== text) el.textContent = text;
      if (left <= 0) clearInterval(timer);
    };
    if (until - start > 6 * 3600000) continue;
    const timer = setInterval(show, 5000);
    show();
  }
}
