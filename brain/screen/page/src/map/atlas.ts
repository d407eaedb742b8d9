/** All marks of the map, drawn once on a canvas: a point is then one texel a pixel, which software drawing can do. */

import { DOMAINS, type Domain } from "../api/types";
import { DIGIT_DOWN, LEVELS, LEVEL_COLOURS, LEVEL_INK, SHAPES } from "./shapes";

/** Pixels of a mark in each size, before the screen's pixel ratio. */
const SIZES = [7, 11, 18, 26] as const;
/** From this size on a mark has its digit. */
const DIGIT_FROM = 2;
/** Sizes of what is drawn around: the ring of a never-hidden class needs room. */
const CELL = 44;
/** Less alpha than this, of 255, nobody sees. */
const FAINT = 8;
const COLUMNS = DOMAINS.length * LEVELS;
/** A size has four rows: filled or hollow, without and with the ring. */
export const ROWS = SIZES.length * 4;

export interface Atlas {
  image: ImageData;
  /** Pixels of a cell's side. */
  cell: number;
  /** By row: pixels of the side of a mark's square, even, with all that is drawn of it and nothing around. */
  sides: Float32Array;
}

/** The atlas at a pixel ratio. Columns: domain × level; rows: size × (filled, hollow) × (plain, life). */
export function drawAtlas(ratio: number): Atlas {
  const cell = Math.round((CELL * ratio) / 2) * 2;
  const canvas = document.createElement("canvas");
  canvas.width = COLUMNS * cell;
  canvas.height = ROWS * cell;
  const ink = canvas.getContext("2d", { willReadFrequently: true })!;
  for (let size = 0; size < SIZES.length; size++)
    for (let form = 0; form < 4; form++)
      DOMAINS.forEach((domain, d) => {
        for (let level = 0; level < LEVELS; level++) {
          ink.save();
          ink.translate((d * LEVELS + level + 0.5) * cell, (size * 4 + form + 0.5) * cell);
          mark(ink, domain, level, (SIZES[size]! / 2 - 1) * ratio, size >= DIGIT_FROM, form % 2 === 1, form > 1, ratio);
          ink.restore();
        }
      });
  const image = ink.getImageData(0, 0, canvas.width, canvas.height);
  return { image, cell, sides: Float32Array.from({ length: ROWS }, (_, row) => sideOf(image, cell, row)) };
}

/** How far from the middle of its cell any mark of a row has ink, twice. */
function sideOf(image: ImageData, cell: number, row: number): number {
  let most = 0;
  for (let y = 0; y < cell; y++)
    for (let x = 0; x < image.width; x++)
      if (image.data[((row * cell + y) * image.width + x) * 4 + 3]! > FAINT) {
        const [right, down] = [(x % cell) - cell / 2, y - cell / 2];
        most = Math.max(most, right + 1, -right, down + 1, -down);
      }
  return most * 2;
}

/** The same in grey and darker: what is drawn while it is old. */
export function greyed(image: ImageData): ImageData {
  const grey = new ImageData(new Uint8ClampedArray(image.data), image.width, image.height);
  for (let i = 0; i < grey.data.length; i += 4)
    grey.data.fill((grey.data[i]! * 0.3 + grey.data[i + 1]! * 0.59 + grey.data[i + 2]! * 0.11) * 0.75, i, i + 3);
  return grey;
}

type Ink = CanvasRenderingContext2D;

function mark(
  ink: Ink,
  domain: Domain,
  level: number,
  r: number,
  digit: boolean,
  hollow: boolean,
  life: boolean,
  ratio: number,
): void {
  const colour = LEVEL_COLOURS[level]!;
  if (life) {
    ink.beginPath();
    ink.arc(0, 0, r + 5 * ratio, 0, 2 * Math.PI);
    ink.lineWidth = 2 * ratio;
    ink.strokeStyle = "#ffffff";
    ink.stroke();
  }
  outline(ink, domain, r);
  ink.lineJoin = "round";
  // A dark rim parts marks that lie over one another.
  ink.lineWidth = 2 * ratio;
  ink.strokeStyle = "rgba(5,9,14,.9)";
  ink.stroke();
  ink.fillStyle = hollow ? "rgba(7,12,18,.92)" : colour;
  ink.fill();
  if (hollow) {
    ink.lineWidth = (digit ? 1.75 : 1.5) * ratio;
    ink.strokeStyle = colour;
    outline(ink, domain, r - ink.lineWidth / 2);
    ink.stroke();
  }
  if (!digit || !level) return;
  ink.font = `700 ${Math.round(r * 1.12)}px system-ui, sans-serif`;
  ink.textAlign = "center";
  ink.textBaseline = "alphabetic";
  ink.fillStyle = hollow ? colour : LEVEL_INK;
  ink.fillText(String(level), 0, DIGIT_DOWN[domain] * r + r * 0.41);
}

function outline(ink: Ink, domain: Domain, r: number): void {
  const corners = SHAPES[domain];
  ink.beginPath();
  if (!corners) {
    ink.arc(0, 0, r * 0.94, 0, 2 * Math.PI);
    return;
  }
  corners.forEach(([x, y], i) => (i ? ink.lineTo(x * r, y * r) : ink.moveTo(x * r, y * r)));
  ink.closePath();
}
