// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace vitrine::cli {

/// The desk's answers as a person reads them in a terminal.
std::string format_items(const nlohmann::json& answer);
std::string format_sync(const nlohmann::json& answer);
std::string format_orders(const nlohmann::json& answer);
std::string format_show_orders(const nlohmann::json& answer);
std::string format_offers(const nlohmann::json& answer);
std::string format_import(const nlohmann::json& answer);
std::string format_documents(const nlohmann::json& answer);

/// GET /api/v1/shows, …/preflight, and what POST /api/v1/live/… answers.
std::string format_shows(const nlohmann::json& answer);
std::string format_preflight(const nlohmann::json& answer);
std::string format_live(const nlohmann::json& answer);

}  // namespace vitrine::cli
