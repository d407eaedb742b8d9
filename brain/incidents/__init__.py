"""What an incident 事件 is and how it lives: signals are folded into it, it is routed, and a quiet period ends it."""
