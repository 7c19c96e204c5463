import { find, findAll, text } from "./dom.js";

/** Run `action` with the fields of the form when it is sent, and show the faults beside their fields. */
export function onSubmit(form, action) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearFaults(form);
    const missing = findAll("[required]", form).find((input) => (input.type === "checkbox" ? !input.checked : !input.value.trim()));
    if (missing) {
      showFault(form, missing.name, text("is_missing"));
      missing.focus();
      return;
    }
    await whileBusy(form, async () => action(Object.fromEntries(new FormData(form))), (fault) => showFaults(form, fault));
  });
}

/** Run `action` when the button is clicked, and show a fault in `place`. */
export function onClick(button, action, place) {
  button.addEventListener("click", async () => {
    place.textContent = "";
    await whileBusy(button, action, (fault) => { place.textContent = faultText(fault); });
  });
}

/** Open a form of its line, with empty fields and the focus in its first field. */
export function openForm(form) {
  form.reset();
  clearFaults(form);
  form.hidden = false;
  find("input:not(.away)", form)?.focus();
}

/** Hide the form, and give the focus back to `button`. */
export function closeForm(form, button) {
  form.reset();
  clearFaults(form);
  form.hidden = true;
  button?.focus();
}

async function whileBusy(control, action, onFault) {
  const buttons = control.matches("button") ? [control] : findAll("button", control);
  if (buttons.some((button) => button.disabled)) return;
  buttons.forEach((button) => { button.disabled = true; });
  try {
    await action();
  } catch (fault) {
    onFault(fault);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

export function clearFaults(form) {
  findAll("[data-fault]", form).forEach((line) => { line.textContent = ""; });
  findAll("[aria-invalid]", form).forEach((input) => input.removeAttribute("aria-invalid"));
}

function showFaults(form, fault) {
  const shown = (fault.errors ?? []).filter(({ field, message }) => showFault(form, field.split(".").pop(), message));
  if (shown.length) find("[aria-invalid]", form)?.focus();
  else showFault(form, "", faultText(fault));
}

/** Show `message` under the field `name`; returns whether the form has the field. */
function showFault(form, name, message) {
  const line = find(`[data-fault="${CSS.escape(name)}"]`, form) ?? (form.elements[name] && find('[data-fault=""]', form));
  if (!line) return false;
  line.textContent = message;
  form.elements[name]?.setAttribute("aria-invalid", "true");
  return true;
}

function faultText(fault) {
  if (fault.name === "NotAllowedError") return text("passkey_cancelled");
  if (fault instanceof TypeError) return text("no_connection");
  return fault.errors?.length ? fault.errors.map(({ message }) => message).join(" ") : fault.message;
}
