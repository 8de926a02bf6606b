// A form for whoever saw the application crash. Sent to where this script came from.
(() => {
  const address = document.currentScript && document.currentScript.src;
  if (!address) return;
  const make = (tag, text, attributes) => {
    const element = Object.assign(document.createElement(tag), attributes);
    if (text) element.textContent = text;
    return element;
  };
  const field = (label, input) => {
    const row = make("label", label);
    row.style.cssText = "display:block;margin:0 0 12px";
    input.style.cssText = "display:block;width:100%;box-sizing:border-box;margin-top:4px;padding:6px;font:inherit";
    row.append(input);
    return row;
  };
  const name = make("input", "", { type: "text", autocomplete: "name" });
  const email = make("input", "", { type: "email", autocomplete: "email" });
  const comments = make("textarea", "", { rows: 5, required: true });
  const said = make("p", "", { role: "status" });
  const send = make("button", "Send", { type: "submit" });
  const close = make("button", "Close", { type: "button" });
  close.style.marginLeft = "8px";
  const form = make("form");
  form.append(make("h2", "It looks like something went wrong"), field("Name", name), field("Email", email),
    field("What happened?", comments), send, close, said);
  const dialog = make("dialog");
  dialog.style.cssText = "max-width:32rem;width:90%;font:16px/1.4 system-ui,sans-serif";
  dialog.append(form);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    const body = new URLSearchParams({ name: name.value, email: email.value, comments: comments.value });
    const sent = await fetch(address, { method: "POST", body }).then((response) => response.ok, () => false);
    said.textContent = sent ? "Thank you, it was sent." : "It could not be sent. Please try again.";
    send.disabled = sent;
  });
  document.body.append(dialog);
  dialog.showModal();
})();
