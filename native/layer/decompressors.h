#pragma once

#include <memory>

#include "layer/byte_stream.h"

namespace tsbuild {

std::unique_ptr<ByteSource> NewGzipSource(int fd);
std::unique_ptr<ByteSource> NewZstdSource(int fd);
std::unique_ptr<ByteSource> NewBzip2Source(int fd);
std::unique_ptr<ByteSource> NewXzSource(int fd);

}  // namespace tsbuild
