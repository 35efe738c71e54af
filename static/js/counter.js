/* <output data-count="words|chars" data-for="field-id" data-one="{n} word" data-many="{n} words"> */
export function counters(root) {
  for (const el of root.querySelectorAll("[data-count]")) {
    const field = root.getElementById(el.dataset.for);
    if (!field) continue;
    const show = () => {
      const text = field.value.trim();
      const n = el.dataset.count === "words" ? (text ? text.split(/\s+/u).length : 0) : [...text].length;
      const number = new Intl.NumberFormat(document.documentElement.lang).format(n);
      const french = document.documentElement.lang === "fr";
      const one = french ? n < 2 : n === 1;
      el.textContent = ((one ? el.dataset.one : el.dataset.many) || "{n}").replace("{n}", number);
    };
    field.addEventListener("input", show);
    show();
  }
}
