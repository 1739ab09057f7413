// SPDX-License-Identifier: Apache-2.0
#include "overlay/render/shut_in.h"

#include <ctime>

#include <fontconfig/fontconfig.h>
#include <gdk-pixbuf/gdk-pixbuf.h>

#include "core/sandbox.h"

namespace vitrine::overlay {
namespace {

void add_all(FcStrList* list, std::vector<std::filesystem::path>& paths) {
  while (const FcChar8* path = FcStrListNext(list)) paths.emplace_back(reinterpret_cast<const char*>(path));
  FcStrListDone(list);
}

}  // namespace

Result<std::string> shut_in(const TileMaker::Directories& directories) {
  if (FcInit() == FcFalse)
    return fail(ErrorCode::kRenderFailed, "fontconfig finds no configuration (/etc/fonts)");
  FcConfig* const fonts = FcConfigGetCurrent();
  // Otherwise it looks every 30 s whether fonts came or went, and a changed cache would be read in mid-show.
  FcConfigSetRescanInterval(fonts, 0);
  g_slist_free(gdk_pixbuf_get_formats());
  ::tzset();

  SandboxConfig sandbox;
  sandbox.readable = {directories.themes, directories.media, "/etc/localtime", "/usr/share/zoneinfo"};
  add_all(FcConfigGetFontDirs(fonts), sandbox.readable);
  add_all(FcConfigGetCacheDirs(fonts), sandbox.readable);
  // A photo of 25 Mpx is 100 MB decoded and exists twice; the fonts are mapped (80 MB), and each thread's
  // malloc reserves 64 MB. Measured high water of the classic theme: see README.md.
  sandbox.max_memory_bytes = size_t{1536} << 20;
  // Each tile's descriptor is in flight until the studio has read its message.
  sandbox.max_open_files = 1024;
  return enter_sandbox(sandbox);
}

}  // namespace vitrine::overlay
