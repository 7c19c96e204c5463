import { shape } from "./dom.js";

const WIDTH = 600;
const HEIGHT = 300;
const METRES_PER_DEGREE = 111_320;
const BLOCK_M = 120;
const MAX_TRAIL = 300;

/** A map without a map service: streets of no town, a destination in the middle, and the barber who comes nearer. */
export class RouteMap {
  #destination;
  #root;
  #layer = shape("g");
  #trail = shape("polyline", { class: "trail" });
  #barber;
  #passed = [];
  #radiusM = 0;

  constructor(container, destination, onPick) {
    this.#destination = destination;
    this.#barber = shape("g", { class: "barber", visibility: "hidden" },
      shape("circle", { class: "halo", r: 18 }), shape("circle", { r: 9 }));
    this.#root = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Map of the way" },
      this.#layer, this.#trail, home(), this.#barber);
    this.#root.addEventListener("click", (event) => onPick?.(this.#pick(event)));
    container.prepend(this.#root);
    this.#zoomTo(300);
  }

  /** Show the barber at a position; the dot glides there. */
  move(place) {
    const east = Math.abs(this.#metres(place)[0]) * (HEIGHT / WIDTH);
    this.#zoomTo(Math.max(this.#radiusM, 1.2 * Math.max(east, Math.abs(this.#metres(place)[1]))));
    this.#passed = [...this.#passed, place].slice(-MAX_TRAIL);
    this.#draw();
  }

  clear() {
    this.#passed = [];
    this.#draw();
  }

  #draw() {
    this.#trail.setAttribute("points", this.#passed.map((place) => this.#project(place).join()).join(" "));
    const newest = this.#passed.at(-1);
    this.#barber.setAttribute("visibility", newest ? "visible" : "hidden");
    if (!newest) return;
    const [x, y] = this.#project(newest);
    this.#barber.style.transform = `translate(${x}px, ${y}px)`;
    Object.assign(this.#root.dataset, { x: Math.round(x), y: Math.round(y) });
  }

  #zoomTo(radiusM) {
    if (radiusM === this.#radiusM) return;
    this.#radiusM = radiusM;
    this.#layer.replaceChildren(...this.#streets());
    this.#draw();
  }

  get #scale() {
    return HEIGHT / 2 / this.#radiusM;
  }

  #metres({ lat, lng }) {
    const { lat: south, lng: west } = this.#destination;
    const perDegree = METRES_PER_DEGREE * Math.cos((south * Math.PI) / 180);
    return [(lng - west) * perDegree, (lat - south) * METRES_PER_DEGREE];
  }

  #project(place) {
    const [east, north] = this.#metres(place);
    return [WIDTH / 2 + east * this.#scale, HEIGHT / 2 - north * this.#scale];
  }

  #pick(event) {
    const box = this.#root.getBoundingClientRect();
    const east = (((event.clientX - box.x) / box.width) * WIDTH - WIDTH / 2) / this.#scale;
    const north = (HEIGHT / 2 - ((event.clientY - box.y) / box.height) * HEIGHT) / this.#scale;
    const perDegree = METRES_PER_DEGREE * Math.cos((this.#destination.lat * Math.PI) / 180);
    return { lat: this.#destination.lat + north / METRES_PER_DEGREE, lng: this.#destination.lng + east / perDegree };
  }

  #streets() {
    const block = BLOCK_M * this.#scale * 2 ** Math.max(0, Math.ceil(Math.log2(this.#radiusM / 900)));
    const drawn = [];
    const count = Math.ceil(WIDTH / 2 / block);
    for (const [column, row] of [[-2, 1], [1, -2], [3, 0]]) {
      drawn.push(shape("rect", { class: "park", x: WIDTH / 2 + column * block, y: HEIGHT / 2 + row * block, width: block, height: block, rx: 6 }));
    }
    for (let number = -count; number <= count; number += 1) {
      const kind = number % 4 === 0 ? "major" : "minor";
      const [x, y] = [WIDTH / 2 + number * block, HEIGHT / 2 + number * block];
      drawn.push(shape("line", { class: kind, x1: x, x2: x, y1: 0, y2: HEIGHT }));
      if (y >= 0 && y <= HEIGHT) drawn.push(shape("line", { class: kind, x1: 0, x2: WIDTH, y1: y, y2: y }));
    }
    const barM = this.#radiusM > 900 ? 500 : 100;
    const end = WIDTH - 16;
    const text = shape("text", { class: "scale", x: end, y: HEIGHT - 20, "text-anchor": "end" }, `${barM} m`);
    return [...drawn, text, shape("line", { class: "scale-bar", x1: end - barM * this.#scale, x2: end, y1: HEIGHT - 12, y2: HEIGHT - 12 })];
  }
}

function home() {
  const pin = shape("path", { d: "M0 0 C-4 -9 -13 -14 -13 -24 A13 13 0 0 1 13 -24 C13 -14 4 -9 0 0 Z" });
  const dot = shape("circle", { r: 4.5, cy: -24, fill: "#fff" });
  return shape("g", { class: "home", transform: `translate(${WIDTH / 2} ${HEIGHT / 2})` }, pin, dot);
}

/** Return positions from one place to another along streets, at most `stepM` metres apart. */
export function routeBetween(from, to, stepM) {
  const perDegree = METRES_PER_DEGREE * Math.cos((to.lat * Math.PI) / 180);
  const corner = { lat: from.lat, lng: to.lng };
  const route = [from];
  for (const [start, end] of [[from, corner], [corner, to]]) {
    const lengthM = Math.hypot((end.lat - start.lat) * METRES_PER_DEGREE, (end.lng - start.lng) * perDegree);
    const steps = Math.ceil(lengthM / stepM);
    for (let step = 1; step <= steps; step += 1) {
      const share = step / steps;
      route.push({ lat: start.lat + (end.lat - start.lat) * share, lng: start.lng + (end.lng - start.lng) * share });
    }
  }
  return route;
}
