// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vitrine::desk::detail {

/// verify.py and export_readme.md, as they lie in the source.
extern const char* const kVerifyScript;
extern const char* const kExportReadme;

}  // namespace vitrine::desk::detail
