/** Incidents on the map: one custom layer, one draw a rank. Ten thousand cost about what one basemap layer costs. */

import type { CustomLayerInterface, CustomRenderMethodInput, Map as GlMap } from "maplibre-gl";
import { DOMAINS, type Row } from "../api/types";
import { measure } from "../state/measure";
import { ROWS, drawAtlas, greyed } from "./atlas";
import { LEVELS, inHand, levelOf } from "./shapes";
import { STRIDE, Slots } from "./slots";

const LIFE = LEVELS;
const RANKS = LEVELS + 1;
/** Where the middle distance of neighbours is at least so many pixels, marks are a size larger. */
const LARGER_FROM = [13, 24, 44] as const;

const VERTEX = `#version 300 es
uniform mat4 u_matrix;
uniform vec2 u_viewport;
uniform float u_size;
uniform float u_cell;
uniform float u_sides[${ROWS}];
in vec4 a_point;
flat out ivec2 v_corner;
flat out float v_side;
void main() {
  vec4 p = u_matrix * vec4(a_point.xy, 0.0, 1.0);
  // To whole pixels: a texel is a pixel then, and needs no filter.
  vec2 pixel = floor((p.xy / p.w * 0.5 + 0.5) * u_viewport + 0.5);
  gl_Position = vec4(pixel / u_viewport * 2.0 - 1.0, 0.0, 1.0);
  float level = mod(a_point.z, ${LEVELS}.0);
  float life = step(2.0, a_point.w);
  float size = min(u_size + max(step(3.0, level) + step(4.0, level), 2.0 * life), 3.0);
  float row = size * 4.0 + a_point.w;
  v_side = u_sides[int(row)];
  gl_PointSize = v_side;
  v_corner = ivec2((vec2(a_point.z, row) + 0.5) * u_cell - 0.5 * v_side);
}`;

// Ten thousand marks are some millions of fragments, and where the processor draws, each line here is paid by each of them.
const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
uniform sampler2D u_atlas;
flat in ivec2 v_corner;
flat in float v_side;
out vec4 colour;
void main() {
  colour = texelFetch(u_atlas, v_corner + ivec2(gl_PointCoord * v_side), 0);
}`;

/** Web Mercator in [0, 1]. */
export function mercator(lon: number, lat: number): [number, number] {
  const sin = Math.sin((lat * Math.PI) / 180);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)];
}

export class Points implements CustomLayerInterface {
  readonly id = "incidents";
  readonly type = "custom" as const;
  readonly slots = new Slots(RANKS);
  /** Greyed out while what it shows is old. */
  live = true;
  private map: GlMap | null = null;
  private program: WebGLProgram | null = null;
  private vao: WebGLVertexArrayObject | null = null;
  private buffer: WebGLBuffer | null = null;
  private bright: WebGLTexture | null = null;
  private grey: WebGLTexture | null = null;
  private readonly uniforms: Record<string, WebGLUniformLocation | null> = {};
  private held = 0;
  private dirty = true;
  private atlas: ReturnType<typeof drawAtlas> | null = null;
  private matrix = new Float32Array(16);

  /**
   * ``anchor``: mercator place near the city, so that 32 bits are enough at every zoom; ``area``: in which
   * most marks lie, square mercator; ``scale``: of the marks.
   */
  constructor(
    private readonly anchor: readonly [number, number],
    private readonly area: number,
    private readonly scale: number,
  ) {}

  put(row: Row): void {
    if (row.lon == null || row.lat == null) {
      this.drop(row.id);
      return;
    }
    const [x, y] = mercator(row.lon, row.lat);
    const level = levelOf(row);
    const domain = Math.max(DOMAINS.indexOf(row.domain), 0);
    const form = (inHand(row) ? 1 : 0) + (row.life ? 2 : 0);
    const rank = row.life ? LIFE : level;
    this.slots.put(row.id, rank, x - this.anchor[0], y - this.anchor[1], domain * LEVELS + level, form);
    this.dirty = true;
  }

  drop(id: string): void {
    this.slots.drop(id);
    this.dirty = true;
  }

  clear(): void {
    this.slots.clear();
    this.dirty = true;
  }

  /** What lies at a place within so many pixels, or null. */
  near(lon: number, lat: number, pixels: number): string | null {
    if (!this.map) return null;
    const [x, y] = mercator(lon, lat);
    return this.slots.near(x - this.anchor[0], y - this.anchor[1], pixels / (512 * 2 ** this.map.getZoom()));
  }

  repaint(): void {
    this.map?.triggerRepaint();
  }

  onAdd(map: GlMap, gl: WebGL2RenderingContext): void {
    this.map = map;
    this.program = link(gl, VERTEX, FRAGMENT);
    for (const name of ["u_matrix", "u_viewport", "u_size", "u_atlas", "u_cell", "u_sides"])
      this.uniforms[name] = gl.getUniformLocation(this.program, name);
    this.atlas = drawAtlas(map.getPixelRatio() * this.scale);
    this.bright = textureOf(gl, this.atlas.image);
    this.grey = textureOf(gl, greyed(this.atlas.image));
    this.buffer = gl.createBuffer();
    this.vao = gl.createVertexArray();
    gl.bindVertexArray(this.vao);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    const place = gl.getAttribLocation(this.program, "a_point");
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, STRIDE, gl.FLOAT, false, 0, 0);
    gl.bindVertexArray(null);
    this.held = 0;
    this.dirty = true;
  }

  onRemove(_map: GlMap, gl: WebGL2RenderingContext): void {
    gl.deleteProgram(this.program);
    gl.deleteBuffer(this.buffer);
    gl.deleteVertexArray(this.vao);
    gl.deleteTexture(this.bright);
    gl.deleteTexture(this.grey);
    this.map = null;
  }

  render(context: WebGLRenderingContext | WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    const gl = context as WebGL2RenderingContext;
    const { map, atlas } = this;
    if (!map || !atlas) return;
    gl.useProgram(this.program);
    gl.bindVertexArray(this.vao);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    if (this.dirty) this.upload(gl);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.live ? this.bright : this.grey);
    gl.uniformMatrix4fv(this.uniforms["u_matrix"]!, false, this.moved(input.defaultProjectionData.mainMatrix));
    gl.uniform2f(this.uniforms["u_viewport"]!, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.uniform1f(this.uniforms["u_size"]!, this.size(map.getZoom()));
    gl.uniform1f(this.uniforms["u_cell"]!, atlas.cell);
    gl.uniform1fv(this.uniforms["u_sides"]!, atlas.sides);
    gl.uniform1i(this.uniforms["u_atlas"]!, 0);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    let from = 0;
    for (const run of this.slots.runs) {
      if (run.length) gl.drawArrays(gl.POINTS, from, run.length);
      from += run.length;
    }
    gl.bindVertexArray(null);
    measure.drawn = this.slots.size;
  }

  /** How large marks are drawn: by how much room each has, were they spread evenly over where most of them lie. */
  private size(zoom: number): number {
    const apart = Math.sqrt(this.area / Math.max(1, this.slots.size)) * 512 * 2 ** zoom;
    return LARGER_FROM.filter((from) => apart >= from * this.scale).length;
  }

  private upload(gl: WebGL2RenderingContext): void {
    const count = this.slots.size;
    if (count > this.held) {
      this.held = Math.ceil(count * 1.5);
      gl.bufferData(gl.ARRAY_BUFFER, this.held * STRIDE * 4, gl.DYNAMIC_DRAW);
    }
    let from = 0;
    for (const run of this.slots.runs) {
      if (run.length) gl.bufferSubData(gl.ARRAY_BUFFER, from * STRIDE * 4, run.data, 0, run.length * STRIDE);
      from += run.length;
    }
    this.dirty = false;
  }

  /** The matrix for places relative to the anchor, multiplied in 64 bits. */
  private moved(m: ArrayLike<number>): Float32Array {
    const [x, y] = this.anchor;
    this.matrix.set(m);
    for (let i = 0; i < 4; i++) this.matrix[12 + i] = m[i]! * x + m[4 + i]! * y + m[12 + i]!;
    return this.matrix;
  }
}

function textureOf(gl: WebGL2RenderingContext, image: ImageData): WebGLTexture {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
  gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
  for (const [name, value] of [
    [gl.TEXTURE_MIN_FILTER, gl.NEAREST],
    [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
    [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
    [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
  ] as const)
    gl.texParameteri(gl.TEXTURE_2D, name, value);
  return texture;
}

function link(gl: WebGL2RenderingContext, vertex: string, fragment: string): WebGLProgram {
  const program = gl.createProgram()!;
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    const logs = gl.getAttachedShaders(program)!.map((s) => gl.getShaderInfoLog(s));
    throw new Error(`points: ${gl.getProgramInfoLog(program)} ${logs.join(" ")}`);
  }
  return program;
}
