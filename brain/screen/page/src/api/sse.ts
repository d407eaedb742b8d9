/** Server-sent events read from a fetch: EventSource can neither begin at a position nor say why it was refused. */

export interface Message {
  event: string;
  data: string;
  /** Set only where the message has one: what has none moves no position. */
  id: string | null;
}

/** Cuts a stream of text, without its mark of byte order, into messages, however it was cut on the way (WHATWG HTML 9.2.6). */
export class Parser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id: string | null = null;

  constructor(private readonly take: (message: Message) => void) {}

  feed(text: string): void {
    const whole = this.rest + text;
    let from = 0;
    for (;;) {
      let end = from;
      while (end < whole.length && whole[end] !== "\n" && whole[end] !== "\r") end++;
      // A CR at the very end may be half of a CRLF.
      if (end >= whole.length || (whole[end] === "\r" && end + 1 === whole.length)) break;
      this.line(whole.slice(from, end));
      from = whole[end] === "\r" && whole[end + 1] === "\n" ? end + 2 : end + 1;
    }
    this.rest = whole.slice(from);
  }

  private line(line: string): void {
    if (line === "") {
      if (this.data.length) this.take({ event: this.event || "message", data: this.data.join("\n"), id: this.id });
      this.event = "";
      this.data = [];
      this.id = null;
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.id = value;
  }
}
