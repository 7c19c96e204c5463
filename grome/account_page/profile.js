import { api } from "./api.js";
import { element, find, notice, text } from "./dom.js";
import { onSubmit } from "./forms.js";
import { showSessions } from "./sessions.js";

const profile = find("#profile");
const password = find("#password");

export function showProfile(me) {
  const { language, timezone } = me.preferences;
  const zones = new Set([timezone, ...Intl.supportedValuesOf("timeZone")].filter(Boolean));
  profile.elements.timezone.replaceChildren(...[...zones].sort().map((zone) => element("option", { value: zone }, zone.replaceAll("_", " "))));
  Object.assign(profile.elements.name, { value: me.name });
  Object.assign(profile.elements.language, { value: language });
  Object.assign(profile.elements.timezone, { value: timezone ?? "" });
}

onSubmit(profile, async ({ name, language, timezone }) => {
  await api.call("PATCH", "/v1/me", { name: name.trim(), language, ...(timezone ? { timezone } : {}) });
  notice(text("saved"));
});

export function showPassword() {
  password.reset();
}

onSubmit(password, async (typed) => {
  api.keep(await api.call("PUT", "/v1/me/password", { current: typed.current, new: typed.new }));
  password.reset();
  await showSessions();
  notice(text("password_set"));
});
