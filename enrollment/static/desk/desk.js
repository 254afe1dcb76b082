// Conveniences only: every page of the desk works without this file.
"use strict";

document.querySelectorAll("[data-desk-all]").forEach((all) => {
  const form = all.closest("form");
  const noun = all.dataset.deskAll;
  const boxes = [...form.querySelectorAll(`input[name="${noun}"]`)];
  const told = form.querySelector("[data-desk-selected]");
  const tell = () => {
    const count = boxes.filter((box) => box.checked).length;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    if (told) {
      told.textContent = count === 1 ? `1 ${noun} selected:` : `${count} ${noun}s selected:`;
    }
  };
  all.addEventListener("change", () => {
    boxes.forEach((box) => { box.checked = all.checked; });
    tell();
  });
  boxes.forEach((box) => box.addEventListener("change", tell));
  tell();
});

document.querySelectorAll("[data-desk-copy]").forEach((button) => {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.deskCopy);
    await navigator.clipboard.writeText(source.textContent.trim());
    const said = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = said; }, 2000);
  });
});

// A second click must not decide twice; the server would refuse it, and confuse its owner.
document.querySelectorAll("form[data-desk-once]").forEach((form) => {
  form.addEventListener("submit", () => {
    setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; }), 0);
  });
});
