# Redis from Debian's package; sourced by brokers.sh. A user "waybill" with the password "secret" exists besides the
# default one, which needs none.

redis_install() {
  install_packages openssl
  if [ -n "$newer" ]; then newer_install redis-server; else install_packages redis-server; fi
}

redis_prepare() {
  tls_prepare
  cat >"$folder/redis/redis.conf" <<END
bind 127.0.0.1
port $(port_of redis)
tls-port $(port_of redis-tls)
tls-cert-file $folder/tls/server.crt
tls-key-file $folder/tls/server.key
tls-ca-cert-file $folder/tls/ca.crt
tls-auth-clients no
dir $folder/redis
save ""
set-proc-title no
appendonly no
user waybill on >secret ~* &* +@all
END
}

redis_start() { launch redis "${enter[@]}" redis-server "$folder/redis/redis.conf"; }

redis_is_healthy() {
  local answer
  exec 4<>"/dev/tcp/127.0.0.1/$(port_of redis)" || return 1
  printf 'PING\r\n' >&4
  read -r -t 2 answer <&4
  exec 4<&- 4>&-
  [ "${answer%$'\r'}" = +PONG ]
}

redis_variables() {
  echo "export WAYBILL_TEST_REDIS_URL=redis://127.0.0.1:$(port_of redis)"
  echo "export WAYBILL_TEST_REDIS_AUTH_URL=redis://waybill:secret@127.0.0.1:$(port_of redis)"
  echo "export WAYBILL_TEST_REDIS_TLS_URL=rediss://localhost:$(port_of redis-tls)"
  echo "export WAYBILL_TEST_CA=$folder/tls/ca.crt"
}
