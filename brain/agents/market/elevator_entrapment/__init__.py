"""People trapped in a lift 电梯困人: sensor, camera and call put together."""
