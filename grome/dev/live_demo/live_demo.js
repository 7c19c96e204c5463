import { element } from "./dom.js";
import { Panel } from "./panel.js";
import { Session } from "./session.js";

const SHOP = { lat: 52.52, lng: 13.405 };
const HOME = { lat: 52.524312, lng: 13.412086 }; // 480 m to the north and to the east
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const ALL_DAY = { is_available: true, start_time: "00:00", end_time: "24:00" };
const LEAD_MIN = 60;
const TICK_MS = 300_000;

const asked = new URLSearchParams(location.search).get("as");
const roles = ["customer", "barber"].filter((role) => asked === null || role === asked);
const template = document.querySelector("#panel");
const panels = Object.fromEntries(roles.map((role) => [role, new Panel(role, template)]));
const main = document.querySelector("#panels");
main.classList.toggle("single", roles.length === 1);
main.append(...Object.values(panels).map(({ root }) => root));

const start = document.querySelector("#start");
start.hidden = roles.length < 2;
start.onclick = async () => {
  start.disabled = true;
  try {
    await startVisit();
    start.hidden = true;
  } catch (fault) {
    notice(fault.message);
    start.disabled = false;
  }
};

// A link of `startVisit` signs in by its fragment, which browsers send to no server.
const [email, password] = location.hash.slice(1).split("/").map(decodeURIComponent);
if (password && panels[asked]) {
  Session.signIn(email, password).then((session) => panels[asked].open(session), (fault) => notice(fault.message));
}

/** Register a barber and a customer, book a house call, and open both sides. */
async function startVisit() {
  const service = (await (await fetch("/v1/services?limit=1")).json()).items[0];
  if (!service) throw new Error("There is no service to book; start Grome with its demo data.");
  const secret = crypto.randomUUID();
  const register = (role, name) =>
    Session.register({ email: `${role}-${crypto.randomUUID()}@example.com`, password: secret, name, role });
  const [barber, customer] = await Promise.all([register("barber", "Émile"), register("customer", "Zoë")]);
  const profile = { name: "Émile, barber", location: SHOP, timezone: "Europe/Berlin", currency: "EUR", service_radius_km: 10 };
  await barber.call("PUT", "/v1/barbers/me", profile);
  const offer = { service_id: service.id, price: 3_900, duration_min: 45 };
  await barber.call("PUT", "/v1/barbers/me/services", { services: [offer] });
  await barber.call("PUT", "/v1/barbers/me/hours", Object.fromEntries(DAYS.map((day) => [day, ALL_DAY])));
  await barber.call("PUT", "/v1/barbers/me/rules", { slot_step_min: 5, min_notice_min: 0, horizon_days: 30 });
  panels.barber.open(barber);
  panels.customer.open(customer);
  await customer.call("POST", "/v1/bookings", {
    barber_id: barber.user.id,
    service_ids: [service.id],
    scheduled_at: new Date(Math.ceil((Date.now() + LEAD_MIN * 60_000) / TICK_MS) * TICK_MS).toISOString(),
    house_call: { location: HOME, address: "Rosenthaler Straße 1, Berlin" },
  });
  notice("Open one side in another browser: ", linkTo("customer", customer, secret), " · ", linkTo("barber", barber, secret));
}

function linkTo(role, { user }, secret) {
  return element("a", { href: `/live-demo?as=${role}#${encodeURIComponent(user.email)}/${secret}`, target: "_blank" }, role);
}

function notice(...parts) {
  const line = document.querySelector("#notice");
  line.hidden = false;
  line.replaceChildren(...parts);
}
