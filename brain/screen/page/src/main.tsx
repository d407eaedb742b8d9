/** Where the page begins: ask for account and board at once, draw, and start the map beside that. */

import "./style/base.css";
import "./style/desk.css";
import "./style/list.css";
import "./style/map.css";
import "./style/wall.css";

import { render } from "preact";
import { begin } from "./state/live";
import { Shell } from "./ui/shell";

void begin();
render(<Shell />, document.getElementById("app")!);
