// SPDX-License-Identifier: Apache-2.0
#include "desk/access/device_certificate.h"

#include <arpa/inet.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <fstream>
#include <ifaddrs.h>
#include <iterator>
#include <optional>
#include <set>
#include <unistd.h>

#include <fmt/format.h>
#include <net/if.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "core/unique_fd.h"

namespace vitrine::desk {
namespace {

namespace fs = std::filesystem;

template <auto Free>
struct OpensslFree {
  void operator()(auto* object) const { Free(object); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;
using ConstraintsPtr = std::unique_ptr<NAME_CONSTRAINTS, OpensslFree<NAME_CONSTRAINTS_free>>;

constexpr std::chrono::days kLeafLife{90};
constexpr std::chrono::days kAuthorityLife{3650};
constexpr std::chrono::days kRenewBefore{30};
constexpr std::chrono::days kSlack{1};  // for clocks that are late

struct KeyPair {
  KeyPtr key;
  CertificatePtr certificate;
};

tl::unexpected<Error> openssl_error(std::string_view what) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  ERR_clear_error();
  return fail(ErrorCode::kIo, fmt::format("{}: {}", what, reason.data()));
}

bool is_address(const std::string& name) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, name.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

std::string sha256_of(const X509* certificate) {
  std::array<unsigned char, 32> digest{};
  unsigned length = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &length);
  return fmt::format("{:02X}", fmt::join(digest, ":"));
}

Instant instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return Instant(std::chrono::seconds(::timegm(&parts)));
}

void set_time(ASN1_TIME* time, Instant instant) {
  ASN1_TIME_set(time, std::chrono::system_clock::to_time_t(instant));
}

DeviceCertificate::Info info_of(const X509* certificate) {
  return {sha256_of(certificate), instant_of(X509_get0_notAfter(certificate))};
}

bool is_due(const X509* certificate, Instant now) {
  return now < instant_of(X509_get0_notBefore(certificate)) ||
         now + kRenewBefore >= instant_of(X509_get0_notAfter(certificate));
}

bool add_extension(X509* certificate, const X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, const_cast<X509*>(issuer), certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// A certificate that is not signed yet.
CertificatePtr draft(EVP_PKEY* key, const std::string& common_name, Instant now, std::chrono::days life) {
  CertificatePtr certificate(X509_new());
  if (!certificate) return nullptr;
  std::array<unsigned char, 16> serial{};
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return nullptr;
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, OpensslFree<BN_free>> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  X509_set_version(certificate.get(), X509_VERSION_3);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get()));
  set_time(X509_getm_notBefore(certificate.get()), now - kSlack);
  set_time(X509_getm_notAfter(certificate.get()), now + life);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return certificate;
}

/// What the authority may sign for: its names, what mDNS calls boxes, and addresses that no one owns in the
/// internet (RFC 1918, 3927, 4193, 4291); another one only when the box has it.
std::string constraints_for(const std::vector<std::string>& names) {
  std::string text =
      "critical,permitted;DNS:localhost,permitted;DNS:local,permitted;IP:10.0.0.0/255.0.0.0,"
      "permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:169.254.0.0/255.255.0.0,"
      "permitted;IP:172.16.0.0/255.240.0.0,permitted;IP:192.168.0.0/255.255.0.0,"
      "permitted;IP:0:0:0:0:0:0:0:1/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF,"
      "permitted;IP:FC00:0:0:0:0:0:0:0/FE00:0:0:0:0:0:0:0,"
      "permitted;IP:FE80:0:0:0:0:0:0:0/FFC0:0:0:0:0:0:0:0";
  for (const auto& name : names) {
    if (!is_address(name))
      text += ",permitted;DNS:" + name;
    else if (name.find(':') == std::string::npos)
      text += ",permitted;IP:" + name + "/255.255.255.255";
    else
      text += ",permitted;IP:" + name + "/FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF:FFFF";
  }
  return text;
}

Result<KeyPair> make_authority(const std::vector<std::string>& names, Instant now) {
  KeyPair pair{KeyPtr(EVP_EC_gen("P-256")), nullptr};
  if (pair.key) pair.certificate = draft(pair.key.get(), "Vitrine device authority", now, kAuthorityLife);
  X509* certificate = pair.certificate.get();
  const bool is_made =
      certificate != nullptr && X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
      add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
      add_extension(certificate, certificate, NID_subject_key_identifier, "hash") &&
      add_extension(certificate, certificate, NID_name_constraints, constraints_for(names)) &&
      X509_sign(certificate, pair.key.get(), EVP_sha256()) > 0;
  if (!is_made) return openssl_error("making the authority's certificate");
  return pair;
}

Result<KeyPair> make_leaf(const KeyPair& authority, const std::vector<std::string>& names, Instant now) {
  KeyPair pair{KeyPtr(EVP_EC_gen("P-256")), nullptr};
  if (pair.key) pair.certificate = draft(pair.key.get(), "Vitrine", now, kLeafLife);
  X509* certificate = pair.certificate.get();
  std::string alternatives;
  for (const auto& name : names)
    alternatives +=
        fmt::format("{}{}:{}", alternatives.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  const X509* issuer = authority.certificate.get();
  const bool is_made = certificate != nullptr &&
                       X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
                       add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
                       add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
                       add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
                       add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
                       add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
                       add_extension(certificate, issuer, NID_subject_alt_name, alternatives) &&
                       X509_sign(certificate, authority.key.get(), EVP_sha256()) > 0;
  if (!is_made) return openssl_error("making this box's certificate for " + alternatives);
  return pair;
}

bool may_sign(const X509* authority, X509* leaf) {
  // OpenSSL looks at what it cached of a certificate when it read it: of one that was just made, at nothing.
  const CertificatePtr copy(X509_dup(leaf));
  if (!copy || X509_check_purpose(copy.get(), -1, 0) != 1) return false;
  const ConstraintsPtr constraints(
      static_cast<NAME_CONSTRAINTS*>(X509_get_ext_d2i(authority, NID_name_constraints, nullptr, nullptr)));
  return constraints && NAME_CONSTRAINTS_check(copy.get(), constraints.get()) == X509_V_OK;
}

bool has_names(const X509* leaf, const std::vector<std::string>& names) {
  const NamesPtr found(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr)));
  if (!found || sk_GENERAL_NAME_num(found.get()) != static_cast<int>(names.size())) return false;
  return std::ranges::all_of(names, [&](const std::string& name) {
    X509* certificate = const_cast<X509*>(leaf);
    return is_address(name) ? X509_check_ip_asc(certificate, name.c_str(), 0) == 1
                            : X509_check_host(certificate, name.c_str(), name.size(), 0, nullptr) == 1;
  });
}

Result<std::string> to_pem(const KeyPair& pair, const X509* issuer) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  const bool is_written =
      memory &&
      PEM_write_bio_PrivateKey(memory.get(), pair.key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
      PEM_write_bio_X509(memory.get(), pair.certificate.get()) == 1 &&
      (issuer == nullptr || PEM_write_bio_X509(memory.get(), const_cast<X509*>(issuer)) == 1);
  char* bytes = nullptr;
  const long length = is_written ? BIO_get_mem_data(memory.get(), &bytes) : 0;
  if (length <= 0) return openssl_error("writing a certificate as PEM");
  return std::string(bytes, static_cast<size_t>(length));
}

/// Nothing where there is no whole pair: it is made anew then.
std::optional<KeyPair> read_pair(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty()) return std::nullopt;
  const BioPtr memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  KeyPair pair{KeyPtr(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr)),
               CertificatePtr(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr))};
  ERR_clear_error();
  if (!pair.key || !pair.certificate || X509_check_private_key(pair.certificate.get(), pair.key.get()) != 1)
    return std::nullopt;
  return pair;
}

/// All of it or what was there before, whenever the power goes.
Status write_whole(const fs::path& path, std::string_view text) {
  const fs::path draft_path = path.string() + ".new";
  const UniqueFd fd(::open(draft_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  const auto refused = [&] {
    return fail_errno(errno == ENOSPC ? ErrorCode::kDiskFull : ErrorCode::kIo, "writing " + path.string());
  };
  if (!fd.is_open() || ::fchmod(fd.get(), 0600) != 0) return refused();
  for (size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(fd.get(), text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR) return refused();
    if (written > 0) done += static_cast<size_t>(written);
  }
  if (::fsync(fd.get()) != 0 || ::rename(draft_path.c_str(), path.c_str()) != 0) return refused();
  const UniqueFd directory(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open() || ::fsync(directory.get()) != 0) return refused();
  return {};
}

}  // namespace

Result<std::unique_ptr<DeviceCertificate>> DeviceCertificate::open(fs::path directory,
                                                                   const std::vector<std::string>& names,
                                                                   Instant now) {
  std::error_code error;
  fs::create_directories(directory, error);
  fs::permissions(directory, fs::perms::owner_all, error);
  if (error)
    return fail(ErrorCode::kPermission,
                fmt::format("{} for the box's keys: {}", directory.string(), error.message()));
  std::unique_ptr<DeviceCertificate> certificate(new DeviceCertificate(std::move(directory)));
  if (auto renewed = certificate->renew_if_due(names, now); !renewed) return tl::unexpected(renewed.error());
  return certificate;
}

Result<DeviceCertificate::Renewal> DeviceCertificate::renew_if_due(const std::vector<std::string>& names,
                                                                   Instant now) {
  const std::lock_guard lock(mutex_);
  const fs::path authority_file = directory_ / "authority.pem";
  auto authority = read_pair(authority_file);
  auto leaf = read_pair(file());
  const bool has_authority = authority && !is_due(authority->certificate.get(), now);
  const bool is_good = has_authority && leaf && !is_due(leaf->certificate.get(), now) &&
                       X509_verify(leaf->certificate.get(), authority->key.get()) == 1 &&
                       has_names(leaf->certificate.get(), names);
  ERR_clear_error();
  if (!is_good) {
    auto made = has_authority ? make_leaf(*authority, names, now) : Result<KeyPair>{};
    if (!made) return tl::unexpected(made.error());
    // A name that the authority was not made for needs another authority: who trusted the old one is not
    // asked to trust more than it saw.
    if (!has_authority || !may_sign(authority->certificate.get(), made->certificate.get())) {
      auto fresh = make_authority(names, now);
      if (!fresh) return tl::unexpected(fresh.error());
      auto text = to_pem(*fresh, nullptr);
      if (!text) return tl::unexpected(text.error());
      if (auto done = write_whole(authority_file, *text); !done) return tl::unexpected(done.error());
      authority = std::move(*fresh);
      made = make_leaf(*authority, names, now);
      if (!made) return tl::unexpected(made.error());
    }
    auto text = to_pem(*made, authority->certificate.get());
    if (!text) return tl::unexpected(text.error());
    if (auto done = write_whole(file(), *text); !done) return tl::unexpected(done.error());
    leaf = std::move(*made);
  }
  device_ = info_of(leaf->certificate.get());
  authority_ = info_of(authority->certificate.get());
  const BioPtr memory(BIO_new(BIO_s_mem()));
  char* bytes = nullptr;
  PEM_write_bio_X509(memory.get(), authority->certificate.get());
  const long length = BIO_get_mem_data(memory.get(), &bytes);
  authority_pem_.assign(bytes, static_cast<size_t>(std::max(0L, length)));
  return is_good ? Renewal::kNotDue : Renewal::kNewCertificate;
}

DeviceCertificate::Info DeviceCertificate::device() const {
  const std::lock_guard lock(mutex_);
  return device_;
}

DeviceCertificate::Info DeviceCertificate::authority() const {
  const std::lock_guard lock(mutex_);
  return authority_;
}

std::string DeviceCertificate::authority_pem() const {
  const std::lock_guard lock(mutex_);
  return authority_pem_;
}

std::vector<std::string> names_of(const std::vector<ListenAddress>& listen,
                                  const std::vector<std::string>& host_names) {
  std::set<std::string> names(host_names.begin(), host_names.end());
  names.insert("localhost");
  bool is_v4 = false;
  bool is_v6 = false;
  for (const auto& address : listen) {
    is_v4 = is_v4 || address.host == "0.0.0.0" || address.host == "::";  // "::" takes both
    is_v6 = is_v6 || address.host == "::";
    if (address.host != "0.0.0.0" && address.host != "::") names.insert(address.host);
  }
  ifaddrs* all = nullptr;
  if ((!is_v4 && !is_v6) || ::getifaddrs(&all) != 0) return {names.begin(), names.end()};
  const std::unique_ptr<ifaddrs, OpensslFree<::freeifaddrs>> owner(all);
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = each->ifa_addr->sa_family;
    if (family == AF_INET && is_v4) {
      const auto* address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
      names.insert(::inet_ntop(family, &address->sin_addr, text.data(), text.size()));
    } else if (family == AF_INET6 && is_v6) {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(each->ifa_addr);
      // A link's own addresses need a zone, which no browser takes.
      if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) continue;
      names.insert(::inet_ntop(family, &address->sin6_addr, text.data(), text.size()));
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace vitrine::desk
