// Passkeys: hand the browser what the site asks, and the site what the browser answers.
"use strict";

(() => {
  const place = document.querySelector("[data-passkey]");
  const form = place && place.querySelector("form");
  if (!form) return;
  const asked = JSON.parse(document.getElementById("passkey-options").textContent).publicKey;
  const field = form.querySelector("[name=credential]");
  const trouble = form.querySelector("[role=alert][hidden]");

  const octets = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
    return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
  };
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (list) => (list || []).map((one) => ({ ...one, id: octets(one.id) }));

  const say = (sentence) => {
    trouble.textContent = sentence;
    trouble.hidden = false;
  };
  const sentences = {
    NotAllowedError: "Nothing was signed: it was cancelled, or took too long. Try once more.",
    InvalidStateError: "This device holds a passkey of your account already.",
    SecurityError: "Passkeys work at the site's own name only, over HTTPS.",
  };

  const add = async () => {
    const made = await navigator.credentials.create({
      publicKey: {
        ...asked,
        challenge: octets(asked.challenge),
        user: { ...asked.user, id: octets(asked.user.id) },
        excludeCredentials: named(asked.excludeCredentials),
      },
    });
    return {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      response: {
        clientDataJSON: text(made.response.clientDataJSON),
        attestationObject: text(made.response.attestationObject),
      },
      clientExtensionResults: {},
    };
  };
  const use = async () => {
    const signed = await navigator.credentials.get({
      publicKey: { ...asked, challenge: octets(asked.challenge), allowCredentials: named(asked.allowCredentials) },
    });
    return {
      id: signed.id,
      rawId: text(signed.rawId),
      type: signed.type,
      response: {
        clientDataJSON: text(signed.response.clientDataJSON),
        authenticatorData: text(signed.response.authenticatorData),
        signature: text(signed.response.signature),
        userHandle: signed.response.userHandle ? text(signed.response.userHandle) : null,
      },
      clientExtensionResults: {},
    };
  };

  form.addEventListener("submit", async (event) => {
    if (field.value) return;
    event.preventDefault();
    if (!window.PublicKeyCredential) return say("This browser knows no passkeys, or the page came over plain HTTP.");
    try {
      field.value = JSON.stringify(await (place.dataset.passkey === "add" ? add() : use()));
    } catch (problem) {
      return say(sentences[problem.name] || `The browser refused: ${problem.message}`);
    }
    form.submit();
  });
})();
