// Comfort for the enrollment pages. Every page works without it.
"use strict";

(() => {
  document.documentElement.classList.add("scripted");
  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // --- Dates: local, and how far away --------------------------------------------------------

  const relative = (when) => {
    const days = Math.round((when - Date.now()) / 86400000);
    const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
    if (Math.abs(days) >= 730) return words.format(Math.round(days / 365), "year");
    if (Math.abs(days) >= 60) return words.format(Math.round(days / 30.4), "month");
    if (Math.abs(days) >= 1) return words.format(days, "day");
    const minutes = Math.round((when - Date.now()) / 60000);
    if (Math.abs(minutes) >= 60) return words.format(Math.round(minutes / 60), "hour");
    return words.format(minutes, "minute");
  };
  const localDates = (root) => {
    for (const time of all("time[data-relative]", root)) {
      const when = new Date(time.dateTime);
      if (Number.isNaN(when.getTime())) continue;
      time.title = `${when.toLocaleString()} (${time.textContent.trim()})`;
      time.textContent = `${when.toLocaleDateString(undefined, { dateStyle: "long" })}, ${relative(when)}`;
    }
  };

  // --- Copying ---------------------------------------------------------------------------------

  const announce = (button, word) => {
    const before = button.dataset.label || button.textContent;
    button.dataset.label = before;
    button.textContent = word;
    setTimeout(() => { button.textContent = before; }, 2000);
  };
  const copy = async (button, text) => {
    try {
      await navigator.clipboard.writeText(text);
      announce(button, "Copied");
    } catch {
      // No clipboard over plain HTTP: a selection is the next best.
      const box = document.createElement("textarea");
      box.value = text;
      box.className = "visually-hidden";
      document.body.append(box);
      box.select();
      const done = document.execCommand("copy");
      box.remove();
      announce(button, done ? "Copied" : "Press Ctrl+C");
      button.focus();
    }
  };
  const copyButtons = (root) => {
    for (const source of all("[data-copy]", root)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-outline btn-small no-print";
      button.textContent = "Copy";
      button.setAttribute("aria-live", "polite");
      const text = source.dataset.copyValue || source.textContent;
      button.addEventListener("click", () => copy(button, text));
      if (source.tagName === "PRE") {
        const row = document.createElement("div");
        row.className = "copy-row";
        row.append(button);
        source.after(row);
      } else {
        source.after(" ", button);
      }
    }
    for (const button of all("[data-copy-from]", root)) {
      button.addEventListener("click", async () => {
        const answer = await fetch(button.dataset.copyFrom, { credentials: "same-origin" });
        if ((answer.headers.get("Content-Type") || "").includes("pkix-cert")) {
          await copy(button, await answer.text());
        } else {
          announce(button, "Not available");
        }
      });
    }
  };

  // --- Encoding of downloads ---------------------------------------------------------------------

  const encoding = () => (one("#rbB64Enc")?.checked ? "b64" : "bin");
  const followEncoding = () => {
    for (const link of all("a[data-encoded], a[data-ca-link]")) {
      link.setAttribute("href", link.getAttribute("href").replace(/Enc=\w+/, `Enc=${encoding()}`));
    }
  };
  const followAuthority = () => {
    const list = one("#lbCaID");
    const count = /var nRenewals=(\d+);/.exec(document.body.textContent);
    if (!list || !count) return;
    list.addEventListener("change", () => {
      const renewal = Number(count[1]) - Number(list.value);
      for (const link of all("a[data-ca-link], #locInstallCert")) {
        link.setAttribute("href", link.getAttribute("href").replace(/Renewal=-?\d+/, `Renewal=${renewal}`));
      }
      // The thumbprint below belongs to the choice: fetch the page for it.
      one("#ca-form").requestSubmit();
    });
  };

  // --- The paste page: files and the preview ---------------------------------------------------

  const form = one("#submit-form");
  const box = one("#locTaRequest");
  const place = one("#preview");
  let shown = "";
  let templateTouched = false;

  const asText = async (file) => {
    const octets = new Uint8Array(await file.arrayBuffer());
    const isText = octets.every((octet) => octet === 9 || octet === 10 || octet === 13 || (octet > 31 && octet < 127));
    if (isText) return new TextDecoder().decode(octets);
    if (octets[0] === 0xff && octets[1] === 0xfe) return new TextDecoder("utf-16le").decode(octets);
    if (octets[0] === 0xfe && octets[1] === 0xff) return new TextDecoder("utf-16be").decode(octets);
    if (octets[0] === 0xef && octets[1] === 0xbb) return new TextDecoder().decode(octets);
    let text = "";
    for (const octet of octets) text += String.fromCharCode(octet);
    return btoa(text).replace(/.{64}/g, "$&\n");
  };
  const take = async (file) => {
    if (!file) return;
    if (file.size > 1048576) {
      place.textContent = "This file is too large to be a certificate request.";
      return;
    }
    box.value = await asText(file);
    one("#locFile").value = "";
    await preview();
  };
  const chooseTemplate = (name) => {
    const list = one("#lbCertTemplateID");
    if (!list || !name || templateTouched) return false;
    const option = Array.from(list.options).find((each) => each.value.split(";")[1].toLowerCase() === name.toLowerCase());
    if (!option || option.selected) return false;
    option.selected = true;
    return true;
  };
  // A private key must not leave this browser, not even for a preview.
  const holdsPrivateKey = () => /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(box.value);
  const preview = async () => {
    const fields = new FormData(form);
    fields.delete("CertFile");
    const key = JSON.stringify([box.value, one("#lbCertTemplateID")?.value, one("#locTaAttrib")?.value]);
    if (key === shown) return;
    shown = key;
    if (holdsPrivateKey()) {
      place.replaceChildren(one("#private-key-warning").content.cloneNode(true));
      return;
    }
    if (!box.value.trim()) {
      place.replaceChildren();
      return;
    }
    place.firstElementChild?.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: fields, credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const part = one(".preview", page);
      if (shown !== key) return;
      if (!answer.ok || !part) throw new Error("no preview");
      place.replaceChildren(document.importNode(part, true));
      localDates(place);
      copyButtons(place);
      if (chooseTemplate(part.dataset.template)) await preview();
    } catch {
      place.textContent = "The preview is not available just now. You can submit the request all the same.";
      shown = "";
    }
  };
  if (form && box && place) {
    form.addEventListener("submit", (event) => {
      if (!holdsPrivateKey()) return;
      event.preventDefault();
      preview();
      box.focus();
    });
    box.addEventListener("blur", preview);
    box.addEventListener("paste", () => setTimeout(preview, 0));
    one("#locTaAttrib")?.addEventListener("blur", preview);
    one("#lbCertTemplateID")?.addEventListener("change", () => { templateTouched = true; preview(); });
    one("#locFile")?.addEventListener("change", (event) => take(event.target.files[0]));
    box.addEventListener("dragover", (event) => { event.preventDefault(); box.classList.add("is-dropping"); });
    box.addEventListener("dragleave", () => box.classList.remove("is-dropping"));
    box.addEventListener("drop", (event) => {
      box.classList.remove("is-dropping");
      if (event.dataTransfer.files.length) {
        event.preventDefault();
        take(event.dataTransfer.files[0]);
      }
    });
  }

  localDates(document);
  copyButtons(document);
  for (const radio of all("input[name=rbEncoding]")) radio.addEventListener("change", followEncoding);
  followEncoding();
  followAuthority();
})();
