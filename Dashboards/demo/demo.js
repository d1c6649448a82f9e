"use strict";
// Long lists show three items; "Load more" shows three more each time. Without scripts everything is shown.

for (const button of document.querySelectorAll(".load-more")) {
  const list = document.getElementById(button.getAttribute("aria-controls"));
  const rest = [...list.children].slice(3);
  for (const item of rest) item.hidden = true;
  button.hidden = rest.length === 0;
  button.addEventListener("click", () => {
    const shown = rest.splice(0, 3);
    for (const item of shown) item.hidden = false;
    shown[0].querySelector("a").focus();
    button.hidden = rest.length === 0;
  });
}
