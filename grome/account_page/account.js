import { api } from "./api.js";
import { showContact } from "./contact.js";
import { find, findAll, focusHeading, notice, text } from "./dom.js";
import { onClick } from "./forms.js";
import { showFactors } from "./factors.js";
import { showPasskeys } from "./passkey_list.js";
import { showPassword, showProfile } from "./profile.js";
import { showData } from "./personal_data.js";
import { showSessions } from "./sessions.js";
import { startSignIn } from "./sign_in.js";
import { prepareStepUp } from "./step_up.js";

// Everything that shows data of the person, beside the fields of forms.
const PERSONAL = "#identity, #signed-in [data-value], #signed-in .list, #codes ol, #qr, #totp-secret, #deleted .kept";
const parts = { "signed-out": find("#signed-out"), "signed-in": find("#signed-in"), deleted: find("#deleted") };
const { showSignIn } = startSignIn(open);

function show(name) {
  for (const [other, part] of Object.entries(parts)) part.hidden = other !== name;
  find("#sign-out").hidden = name !== "signed-in";
  focusHeading(parts[name]);
}

/** Show the account of the person that is signed in. */
async function open() {
  const me = await api.call("GET", "/v1/me");
  find("#identity").textContent = me.email ?? me.phone ?? "";
  findAll(".away").forEach((field) => { field.value = me.email ?? me.phone ?? ""; });
  await Promise.all([showFactors(), showPasskeys(), showSessions(), showData(onDeleted)]);
  showProfile(me);
  showContact(me);
  showPassword();
  show("signed-in");
}

function signedOut(message) {
  findAll("form").forEach((form) => form.reset());
  findAll(".away").forEach((field) => { field.value = ""; });
  findAll(PERSONAL).forEach((part) => part.replaceChildren());
  show("signed-out");
  showSignIn();
  notice(message);
}

function onDeleted(kept) {
  api.forget();
  find("#deleted .kept").replaceChildren(...kept);
  show("deleted");
}

api.onSignedOut = () => signedOut(text("session_ended"));
api.onStepUp = prepareStepUp();
onClick(find("#sign-out"), async () => {
  await api.call("POST", "/v1/auth/logout");
  api.forget();
  signedOut(text("signed_out"));
}, find("#notice"));

if (api.isSignedIn) {
  open().catch((fault) => { if (api.isSignedIn) notice(fault.message); });
} else {
  show("signed-out");
  showSignIn();
}
