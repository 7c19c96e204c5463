import { element, timeOf } from "./dom.js";

const STEPS = ["Requested", "Accepted", "On the way", "Arrived", "In progress", "Completed"];
const ENDED = new Set(["cancelled", "declined", "expired", "no_show", "completed"]);
const LATEST = { requested: 0, accepted: 1, in_progress: 4, completed: 5 };
const ACTIONS = {
  customer: [["cancel", "Cancel the visit", ({ status }) => !ENDED.has(status), true]],
  barber: [
    ["accept", "Accept", ({ status }) => status === "requested"],
    ["decline", "Decline", ({ status }) => status === "requested", true],
    ["on-the-way", "Set out", ({ status, on_the_way: trip, house_call: call }) => status === "accepted" && call && !trip],
    ["start", "Start", ({ status }) => status === "accepted", true],
    ["complete", "Complete", ({ status }) => status === "in_progress"],
  ],
};

export const isOpen = ({ status }) => !ENDED.has(status);

/** Show a booking: its steps and the actions of a side. `act(action)` does an action, `play()` plays the barber, null while it does. */
export function showVisit(root, role, booking, { act, play }) {
  root.querySelector("h3").textContent = booking.services.map(({ name }) => name).join(", ");
  const late = booking.late_min ? ` · ${booking.late_min} min late` : "";
  const day = new Date(booking.scheduled_at).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
  root.querySelector(".when").textContent = `${day}, ${timeOf(booking.scheduled_at)} – ${timeOf(booking.ends_at)}${late}`;
  root.querySelector(".price").textContent = priceOf(booking);
  root.querySelector(".answer").textContent = stateOf(booking);
  const reached = reachedStep(booking);
  const steps = root.querySelector(".steps");
  steps.classList.toggle("off", !isOpen(booking) && booking.status !== "completed");
  steps.replaceChildren(...STEPS.map((name, number) => {
    const place = number < reached ? "done" : number === reached ? "now" : "";
    return element("li", { className: place }, name);
  }));
  const offered = ACTIONS[role].filter(([, , isOffered]) => isOffered(booking));
  const buttons = offered.map(([action, text, , isQuiet]) => actionButton(text, isQuiet, () => act(action), { action }));
  if (role === "barber" && play && canPlay(booking)) buttons.push(actionButton("Play the barber", true, play, { action: "play" }));
  root.querySelector(".actions").replaceChildren(...buttons);
}

const canPlay = ({ status, house_call: call, on_the_way: trip }) =>
  call && (status === "requested" || (status === "accepted" && !trip?.arrived_at));

function actionButton(text, isQuiet, onClick, data) {
  const button = element("button", { type: "button", className: isQuiet ? "quiet" : "", data }, text);
  button.onclick = async () => {
    button.disabled = true;
    await onClick();
    button.disabled = false;
  };
  return button;
}

function reachedStep({ status, on_the_way: trip }) {
  if (status === "accepted" && trip) return trip.arrived_at ? 3 : 2;
  return LATEST[status] ?? 0;
}

function stateOf({ status, awaits, answer_by: until, on_the_way: trip, reason }) {
  if (awaits) return `Waits for the ${awaits}${until ? ` until ${timeOf(until)}` : ""}.`;
  if (status === "accepted" && trip?.arrived_at) return `The barber arrived at ${timeOf(trip.arrived_at)}.`;
  if (status === "accepted" && trip) return `The barber set out at ${timeOf(trip.since)}.`;
  return `${status.replace("_", " ")}${reason ? ` (${reason.replaceAll("_", " ")})` : ""}`;
}

function priceOf({ price, currency }) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return format.format(price / 10 ** format.resolvedOptions().maximumFractionDigits);
}
