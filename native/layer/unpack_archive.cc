#include "layer/unpack_archive.h"

#include "layer/decompress.h"
#include "layer/pipelined_source.h"
#include "layer/tar_reader.h"
#include "layer/tree_extractor.h"

namespace tsbuild {

Result<bool> IsArchive(int fd) {
  auto source = OpenSniffed(fd);
  if (!source.ok()) return std::move(source.error());
  auto first = TarReader(**source).Next();
  // Whatever is wrong with it: it is copied as the file that it is.
  return first.ok() && first->has_value();
}

Result<UnpackedArchive> UnpackArchive(int fd, int target, std::optional<Ownership> owner) {
  auto source = OpenSniffed(fd);
  if (!source.ok()) return std::move(source.error());
  PipelinedSource ahead(std::move(*source));
  TarReader tar(ahead);
  TreeExtractor extractor(target, ExtractInto::kPlain, owner);
  TSB_TRY(extractor.Extract(tar));
  return UnpackedArchive{extractor.entries(), extractor.bytes()};
}

}  // namespace tsbuild
