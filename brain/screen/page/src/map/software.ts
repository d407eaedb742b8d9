/** Passes over the whole screen that this map does not need; where WebGL is drawn by the processor each costs dearly. */

import type { Map as GlMap } from "maplibre-gl";

/** Whether a context is drawn in software: by the name of its renderer. */
export function drawnInSoftware(gl: WebGL2RenderingContext): boolean {
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const name: unknown = names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : gl.getParameter(gl.RENDERER);
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(String(name));
}

/**
 * Draws no masks. MapLibre fills the stencil of the whole screen twice a frame, to cut tiles at their edges; in software
 * that is half of a frame. Without it a few pixels along edges of tiles are drawn twice: opaque colours and lines, which are
 * nearly all of ours, do not show it.
 */
export function withoutMasks(gl: WebGL2RenderingContext): void {
  let colours = true;
  const { colorMask, drawElements, enable } = gl;
  gl.colorMask = function (r, g, b, a) {
    colours = r || g || b || a;
    colorMask.call(this, r, g, b, a);
  };
  gl.drawElements = function (mode, count, type, offset) {
    if (colours) drawElements.call(this, mode, count, type, offset);
  };
  gl.enable = function (capability) {
    if (capability !== gl.STENCIL_TEST) enable.call(this, capability);
  };
  gl.disable(gl.STENCIL_TEST);
}

/** Draws no sky: a map that is looked at from straight above has none, yet MapLibre fills the screen with it first. */
export function withoutSky(map: GlMap): void {
  const style = map.style as unknown as { sky: { getEvaluated: () => unknown } };
  style.sky.getEvaluated = () => undefined;
}
