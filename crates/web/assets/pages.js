// Small comforts for pages that work without them: the as-of slider says its number while it is dragged.
"use strict";
for (const input of document.querySelectorAll("input[type=range][data-output]")) {
  const output = document.getElementById(input.dataset.output);
  input.addEventListener("input", () => { output.textContent = Number(input.value).toLocaleString("en"); });
}
// Choosing from a list is enough; without this script there is a button.
for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
// Printing is the browser's own; without this script its menu does the same.
for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
