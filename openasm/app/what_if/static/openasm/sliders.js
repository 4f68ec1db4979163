/* Beside each number with `data-slider` a slider that moves with it. The number alone is sent; without this file it stands alone. */
"use strict";
for (const number of document.querySelectorAll("input[data-slider]")) {
  const slider = document.createElement("input");
  slider.type = "range";
  slider.className = "slider";
  for (const name of ["min", "max", "step"]) slider.setAttribute(name, number.getAttribute(name));
  slider.value = number.value;
  slider.setAttribute("aria-label", `${number.labels[0].textContent}, slider`);
  slider.setAttribute("aria-describedby", number.getAttribute("aria-describedby"));
  slider.addEventListener("input", () => { number.value = slider.value; });
  number.addEventListener("input", () => { slider.value = number.value || "0"; });
  number.before(slider);
}
