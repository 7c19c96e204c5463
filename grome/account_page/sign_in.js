import { api, asAddress, send, thisDevice } from "./api.js";
import { find, findAll, focusHeading, notice, text } from "./dom.js";
import { clearFaults, onClick, onSubmit } from "./forms.js";
import { passkeysWork, provePasskey } from "./passkeys.js";

const root = find("#signed-out");

/** Prepare all ways to sign in; `open` shows the account afterwards. */
export function startSignIn(open) {
  let challenge = null; // of a sign-in whose second step is missing
  let address = {}; // that a code for a new password was sent to
  let requestId = null; // of a code for a sign-in

  async function finish(answer) {
    api.keep(answer);
    notice("");
    findAll("form", root).forEach((form) => form.reset());
    await open();
  }

  /** Send a sign-in; where a second step is needed, show it. */
  async function attempt(path, body) {
    try {
      await finish(await send("POST", path, body));
    } catch (fault) {
      if (fault.code !== "second_factor_required") throw fault;
      challenge = fault.body.challenge;
      showSecondStep(fault.body.kinds);
    }
  }

  onSubmit(find("#sign-in"), ({ address, password }) =>
    attempt("/v1/auth/login", { ...asAddress(address), password, device: thisDevice() }));

  find("#passkey-sign-in").hidden = !passkeysWork();
  onClick(find("#passkey-sign-in"), async () => {
    const { ceremony, options } = await send("POST", "/v1/auth/passkey/begin", {});
    const credential = await provePasskey(options);
    await attempt("/v1/auth/passkey/finish", { ceremony, credential, device: thisDevice() });
  }, find("#passkey-fault"));

  onSubmit(find("#second-step"), (typed) => {
    const proof = Object.fromEntries(Object.entries(typed).filter(([, value]) => value.trim()));
    return prove(proof);
  });
  onClick(find("#second-passkey"), async () => {
    const { ceremony, options } = await send("POST", "/v1/auth/passkey/begin", { challenge });
    await prove({ passkey: { ceremony, credential: await provePasskey(options) } });
  }, find("#second-passkey-fault"));
  const prove = async (proof) => finish(await send("POST", "/v1/auth/second-factor", { challenge, ...proof }));

  onSubmit(find("#ask-code"), async ({ phone }) => {
    requestId = (await send("POST", "/v1/auth/code", { phone: phone.trim() })).request_id;
    showView("code-sign-in");
  });
  onSubmit(find("#code-sign-in"), ({ code }) =>
    attempt("/v1/auth/code/login", { request_id: requestId, code: code.trim(), device: thisDevice() }));

  onSubmit(find("#forgot"), async (typed) => {
    address = asAddress(typed.address);
    await send("POST", "/v1/auth/password/forgot", address);
    showView("reset");
  });
  onSubmit(find("#reset"), async ({ code, password }) => {
    await send("POST", "/v1/auth/password/reset", { ...address, code: code.trim(), password });
    showView("sign-in");
    notice(text("password_set"));
  });

  findAll("[data-show]", root).forEach((button) => button.addEventListener("click", () => showView(button.dataset.show)));
  return { showSignIn: () => showView("sign-in") };
}

function showView(name) {
  for (const view of findAll("[data-view]", root)) {
    view.hidden = view.dataset.view !== name;
    if (view.hidden) continue;
    findAll("form", view).forEach(clearFaults);
    focusHeading(view);
  }
}

/** Show the fields of `kinds`; a recovery code only on demand where there is another way. */
function showSecondStep(kinds) {
  showView("second-step");
  const others = kinds.filter((kind) => kind !== "recovery_code" && (kind !== "passkey" || passkeysWork()));
  const offer = (shown) => {
    for (const part of findAll('[data-view="second-step"] [data-kind]')) part.hidden = !shown.includes(part.dataset.kind);
    find("#second-step").hidden = !shown.some((kind) => kind !== "passkey");
    find("#second-step").reset();
  };
  offer(others.length ? others : kinds);
  find("#other-proof").hidden = others.length === 0 || others.length === kinds.length;
  find("#other-proof").onclick = () => {
    offer(["recovery_code"]);
    find("#other-proof").hidden = true;
    find("#second-step [name=recovery_code]").focus();
  };
}
