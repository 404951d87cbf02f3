{
  "target_defaults": {
    "cflags": ["-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wno-restrict", "-fvisibility=hidden"],
    "cflags_cc!": ["-std=gnu++17", "-fno-rtti"],
    "cflags_cc": ["-std=gnu++20"],
    "defines": ["_GNU_SOURCE", "_FILE_OFFSET_BITS=64"],
    "include_dirs": ["."]
  },
  "targets": [
    {
      "target_name": "tsbuild",
      # Every source of a room belongs to it: a new topic is a new file, not a new line here.
      "sources": ["<!@(ls addon.cc base/*.cc fs/*.cc mount/*.cc node/*.cc layer/*.cc cgroup/*.cc tables/*.cc text/*.cc sandbox/launch.cc sandbox/run.cc sandbox/spec.cc)"],
      "include_dirs": ["<!@(node -p \"require('node-addon-api').include\")"],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      # Static, so that the machine that runs the addon needs none of these libraries. Their symbols stay inside: Debian compiles them
      # for executables, where no symbol can be overridden, and so are they linked here.
      "libraries": ["-l:libdeflate.a", "-l:libzstd.a", "-l:liblzma.a", "-l:libbz2.a", "-l:liblmdb.a"],
      # The wraps: see layer/bzip2_stdio.cc.
      "ldflags": ["-Wl,--exclude-libs,ALL", "-Wl,--wrap=stdin", "-Wl,--wrap=stdout", "-Wl,--wrap=stderr"]
    },
    {
      "target_name": "tsbuild-init",
      "type": "executable",
      # All of the sandbox but the two files of its other side, which live in the addon.
      "sources": ["<!@(ls base/*.cc mount/*.cc cgroup/hierarchy.cc sandbox/*.cc | grep -v -e /launch.cc -e /run.cc)"],
      "ldflags": ["-static"],
      "cflags_cc": ["-fno-exceptions", "-fno-asynchronous-unwind-tables"],
      "ldflags!": ["-rdynamic"]
    }
  ]
}
