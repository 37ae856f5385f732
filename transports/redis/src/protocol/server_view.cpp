#include "protocol/server_view.hpp"

namespace waybill::redis {
namespace {

ServerView::Role role_of(std::string_view word) noexcept {
  if (word == "master") return ServerView::Role::primary;
  if (word == "slave" || word == "replica") return ServerView::Role::replica;
  return word == "sentinel" ? ServerView::Role::sentinel : ServerView::Role::unknown;
}

}  // namespace

void ServerView::take_hello(std::size_t index, std::string_view text) {
  if (index % 2 == 0) {
    key_ = text == "mode" ? Key::mode : text == "role" ? Key::role : Key::other;
    return;
  }
  if (key_ == Key::role) role_ = role_of(text);
  if (key_ == Key::mode) is_cluster_ = text == "cluster";
  if (key_ == Key::mode && text == "sentinel") role_ = Role::sentinel;
  key_ = Key::other;
}

void ServerView::take_role(std::size_t index, std::string_view text) {
  if (index != 0) return;
  role_ = role_of(text);
  knows_role_ = role_ != Role::unknown;
  replicas_ = 0;
}

void ServerView::take_role_array(std::size_t index, std::size_t size) noexcept {
  if (index == 2 && role_ == Role::primary) replicas_ = size;
}

}  // namespace waybill::redis
