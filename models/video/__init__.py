"""What cameras' object metadata mean: tracks on the ground, zones, lines, crowds. Columns in, columns and events out.

:mod:`models.video.homography` puts image points on the ground, :mod:`models.video.link` keeps one number an object over
gaps and changed ids, :mod:`models.video.watch` makes events of zones and lines, :mod:`models.video.crowd` counts.
"""
