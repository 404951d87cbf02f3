"""Makes and describes file trees for tests, in all that a file system can hold. Shares nothing with the product.

make <dir>  reads a JSON list of entries from stdin and makes them
read <dir>  prints what is there as JSON, by path
"""

import base64
import hashlib
import json
import os
import stat
import sys

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def make(root, entries):
    times = []
    for entry in entries:
        path = os.path.join(root, entry["path"]) if entry["path"] else root
        kind = entry["type"]
        mode = entry.get("mode", 0o755 if kind == "dir" else 0o644)
        if kind == "dir":
            os.makedirs(path, exist_ok=True)
        elif kind == "file":
            data = base64.b64decode(entry["base64"]) if "base64" in entry else entry.get("content", "").encode()
            with open(path, "wb") as file:
                file.write(data)
                if "size" in entry:
                    file.truncate(entry["size"])
        elif kind == "symlink":
            os.symlink(entry["link"], path)
        elif kind == "hardlink":
            os.link(os.path.join(root, entry["link"]), path)
            continue
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "socket":
            os.mknod(path, stat.S_IFSOCK | mode)
        else:
            major, minor = entry.get("rdev", [0, 0])
            type_bits = stat.S_IFCHR if kind == "char" else stat.S_IFBLK
            os.mknod(path, type_bits | mode, os.makedev(major, minor))
        if os.geteuid() == 0:
            os.chown(path, entry.get("uid", 0), entry.get("gid", 0), follow_symlinks=False)
        if kind != "symlink":
            os.chmod(path, mode)
        for name, value in entry.get("xattrs", {}).items():
            os.setxattr(path, name, bytes.fromhex(value), follow_symlinks=False)
        if "mtime" in entry:
            times.append((path, entry["mtime"]))
    for path, mtime in reversed(times):
        os.utime(path, ns=(int(mtime * 10**9), int(mtime * 10**9)), follow_symlinks=False)


def read(root):
    out = {}
    inodes = {}

    def visit(path, name):
        status = os.lstat(path)
        kind = KINDS[stat.S_IFMT(status.st_mode)]
        entry = {"type": kind, "uid": status.st_uid, "gid": status.st_gid, "mtime": status.st_mtime_ns / 10**9}
        if kind != "symlink":
            entry["mode"] = stat.S_IMODE(status.st_mode)
        if kind == "file":
            entry["size"] = status.st_size
            with open(path, "rb") as file:
                entry["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
            if status.st_nlink > 1:
                entry["sameAs"] = inodes.setdefault((status.st_dev, status.st_ino), name)
        elif kind == "symlink":
            entry["link"] = os.readlink(path)
        elif kind in ("char", "block"):
            entry["rdev"] = [os.major(status.st_rdev), os.minor(status.st_rdev)]
        xattrs = {}
        for key in sorted(os.listxattr(path, follow_symlinks=False)):
            xattrs[key] = os.getxattr(path, key, follow_symlinks=False).hex()
        if xattrs:
            entry["xattrs"] = xattrs
        out[name] = entry
        if kind == "dir":
            for child in sorted(os.listdir(path)):
                visit(os.path.join(path, child), os.path.join(name, child) if name else child)

    visit(root, "")
    return out


if sys.argv[1] == "make":
    make(sys.argv[2], json.load(sys.stdin))
else:
    json.dump(read(sys.argv[2]), sys.stdout)
