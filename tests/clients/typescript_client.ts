// Live through a visit by openapi-fetch and the types that openapi-typescript made; arguments as for python_client.py.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.ts";

declare const process: { argv: string[] };

type Signed = components["schemas"]["SignedIn"];
const [baseUrl, barberId, latitude, longitude, from, to, token, stripeUrl] = process.argv.slice(2) as [
  string, string, string, string, string, string, string, string,
];
const email = `${crypto.randomUUID()}@example.com`;
const password = "correct horse battery";
const client = createClient<paths>({ baseUrl, querySerializer: { array: { style: "form", explode: false } } });

function must<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

function same<T>(found: T, wanted: T): void {
  if (found !== wanted) throw new Error(`${found} is not ${wanted}`);
}

must(await client.POST("/v1/auth/register", { body: { email, password, name: "A program", role: "customer" } }));
const refused = await client.POST("/v1/auth/login", { body: { email, password: "not the password" } });
same(refused.error?.code, "wrong_credentials");
const signed: Signed = must(await client.POST("/v1/auth/login", { body: { email, password } }));
const headers = { Authorization: `Bearer ${signed.access_token}` };

const place = { lat: Number(latitude), lng: Number(longitude) };
const nearby = must(await client.GET("/v1/barbers/nearby", { params: { query: { ...place, radius_km: 1 } } }));
const shop = nearby.items.find((one) => one.id === barberId);
if (!shop) throw new Error("the barber is not nearby");
const nowhere = await client.GET("/v1/barbers/nearby", { params: { query: { ...place, lat: 91 } } });
same(nowhere.error?.errors?.[0]?.field, "lat");

const service_ids = [shop.services[0]!.service_id];
const slots = must(
  await client.GET("/v1/barbers/{barber_id}/slots", {
    params: { path: { barber_id: barberId }, query: { from, to, service_ids } },
  }),
);
const earliest = slots.days.flatMap((on) => on.slots)[0]!;
const body = { barber_id: barberId, service_ids, scheduled_at: earliest.start };
const key = { "Idempotency-Key": crypto.randomUUID() };
const booking = must(await client.POST("/v1/bookings", { body, headers, params: { header: key } }));
const taken = await client.POST("/v1/bookings", { body, headers });
if (taken.error?.status === 409) {
  const code: "slot_taken" | "idempotency_key_in_flight" | (string & {}) = taken.error.code;
  same(code, "slot_taken");
} else {
  throw new Error(`the time was not taken: ${JSON.stringify(taken.error)}`);
}
const read = must(
  await client.GET("/v1/bookings/{booking_id}", { headers, params: { path: { booking_id: booking.id } } }),
);
same(read.version, booking.version);

const visit = { params: { path: { booking_id: booking.id } } };
const started = must(
  await client.POST("/v1/bookings/{booking_id}/payments", { ...visit, headers, body: { purpose: "deposit" } }),
);
const intent = String(started.client_secret).split("_secret")[0];
await fetch(`${stripeUrl}/_control/pay`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ intent, number: "4242424242424242" }),
});
const paid = must(
  await client.POST("/v1/payments/{payment_id}/refresh", { headers, params: { path: { payment_id: started.id } } }),
);
same(paid.status, "paid");
same(paid.received, booking.payment.deposit);

same(shop.rating, null);
const asBarber = { ...visit, headers: { Authorization: `Bearer ${token}` } };
must(await client.POST("/v1/bookings/{booking_id}/accept", asBarber));
must(await client.POST("/v1/bookings/{booking_id}/start", asBarber));
same(must(await client.POST("/v1/bookings/{booking_id}/complete", asBarber)).status, "completed");
const asCustomer = { ...visit, headers };
const thanks = { key: "thanks", text: "Thank you!", photos: [] };
must(await client.POST("/v1/bookings/{booking_id}/messages", { ...asCustomer, body: thanks }));
const words = { rating: 5, text: "Great cut." };
must(await client.POST("/v1/bookings/{booking_id}/review", { ...asCustomer, body: words }));
const reviews = must(
  await client.GET("/v1/barbers/{barber_id}/reviews", { params: { path: { barber_id: barberId } } }),
);
same(reviews.summary.rating, 5);
