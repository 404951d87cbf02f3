#include "layer/unpack_archive.h"

#include "layer/decompress.h"
#include "layer/pipelined_source.h"
#include "layer/tar_reader.h"
#include "layer/tree_extractor.h"

namespace tsbuild {

namespace {

// Counts what goes through, and ends with the job.
class WatchedSource : public ByteSource {
 public:
  WatchedSource(ByteSource& source, const SharedWatch& watch) : source_(source), watch_(watch) {}

  Result<size_t> Read(char* buffer, size_t size) override {
    if (Status going = CheckCancelled(watch_); !going.ok()) return std::move(going.error());
    auto read = source_.Read(buffer, size);
    if (read.ok()) CountBytes(watch_, *read);
    return read;
  }

 private:
  ByteSource& source_;
  const SharedWatch watch_;
};

}  // namespace

Result<bool> IsArchive(int fd) {
  auto source = OpenSniffed(fd);
  if (!source.ok()) return std::move(source.error());
  auto first = TarReader(**source).Next();
  // Whatever is wrong with it: it is copied as the file that it is.
  return first.ok() && first->has_value();
}

Result<UnpackedArchive> UnpackArchive(int fd, int target, std::optional<Ownership> owner, const SharedWatch& watch) {
  auto source = OpenSniffed(fd);
  if (!source.ok()) return std::move(source.error());
  PipelinedSource ahead(std::move(*source));
  WatchedSource watched(ahead, watch);
  TarReader tar(watched);
  TreeExtractor extractor(target, ExtractInto::kPlain, owner);
  TSB_TRY(extractor.Extract(tar));
  return UnpackedArchive{extractor.entries(), extractor.bytes()};
}

}  // namespace tsbuild
