"""Scenario files that are right, for tests that break them."""

GOOD = """\
id: eco.air.so2_high
version: 1
name: {zh: 二氧化硫偏高, en: Sulphur dioxide high}
domain: eco
event_code: eco.air
source: iot
match: {type: air, metric: so2, unit: ug/m3}
detect: {above: 500}
for: {readings: 2}
clear: {below: 300}
levels:
  - {level: 2, at: 800}
owner: 生态环境局
means: {zh: 偏高, en: high}
first_steps: {zh: 查, en: look}
false_alarms: {zh: 无, en: none}
basis: sample
tests:
  - name: fires
    given:
      - {at: 0, asset: air-01, v: [600, 600], every_s: 10}
    expect:
      - {at: 10, kind: raise, asset: air-01, level: 1}
  - name: quiet
    given:
      - {at: 0, asset: air-01, v: [600, 400], every_s: 10}
"""
CALL = """\
id: eco.dust.call
version: 1
name: {zh: 扬尘, en: Dust}
domain: eco
event_code: eco.dust
source: hotline
match: {words: [扬尘]}
detect: {count_over: 2, window_s: 60}
tests:
  - name: quiet
    given: [{at: 0, text: 扬尘}]
"""
WATCH = """\
id: public.traffic.still
version: 1
name: {zh: 停车, en: Still}
domain: public
event_code: public.traffic.stalled
source: video
match: {type: camera}
detect: {watch: standing, zone: no_stop, above: 60}
tests:
  - name: quiet
    given: [{at: 0, sensorId: cam-0001, objects: []}]
"""
