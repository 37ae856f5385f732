# RabbitMQ from Debian's package; sourced by brokers.sh. User guest, password guest.

rabbitmq_install() {
  install_packages openssl
  if [ -n "$newer" ]; then newer_install rabbitmq-server; else install_packages rabbitmq-server; fi
}

rabbitmq_prepare() {
  tls_prepare
  local own="$folder/rabbitmq"
  mkdir -p "$own/mnesia" "$own/home"
  cat >"$own/rabbitmq.conf" <<END
listeners.tcp.default = 127.0.0.1:$(port_of rabbitmq)
listeners.ssl.default = 127.0.0.1:$(port_of rabbitmq-tls)
ssl_options.cacertfile = $folder/tls/ca.crt
ssl_options.certfile = $folder/tls/server.crt
ssl_options.keyfile = $folder/tls/server.key
ssl_options.verify = verify_none
cluster_name = waybill
log.console = true
log.file = false
END
  echo '[].' >"$own/enabled_plugins"
  : >"$own/rabbitmq-env.conf"
}

# rabbitmq_node: sets `node` to the variables by which the broker and its command line find each other.
rabbitmq_node() {
  node=("HOME=$folder/rabbitmq/home" "ERL_EPMD_PORT=$(port_of rabbitmq-epmd)"
    "RABBITMQ_NODENAME=waybill-$(port_of rabbitmq)@localhost")
}

rabbitmq_ctl() {
  local node
  rabbitmq_node
  "${enter[@]}" env "${node[@]}" /usr/lib/rabbitmq/bin/rabbitmqctl "$@"
}

# The daemon of Erlang that knows the nodes (epmd) is one of our own too, on its own port.
rabbitmq_start() {
  local own="$folder/rabbitmq" node
  rabbitmq_node
  launch rabbitmq "${enter[@]}" env -u RABBITMQ_NODE_PORT "${node[@]}" \
    ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_CONF_ENV_FILE="$own/rabbitmq-env.conf" \
    RABBITMQ_CONFIG_FILE="$own/rabbitmq.conf" \
    RABBITMQ_ENABLED_PLUGINS_FILE="$own/enabled_plugins" \
    RABBITMQ_DIST_PORT="$(port_of rabbitmq-dist)" \
    RABBITMQ_MNESIA_BASE="$own/mnesia" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
    RABBITMQ_LOG_BASE="$own" \
    RABBITMQ_LOGS=- \
    RABBITMQ_PID_FILE="$own/beam.pid" \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

rabbitmq_after_stop() { "${enter[@]}" env ERL_EPMD_PORT="$(port_of rabbitmq-epmd)" epmd -kill >/dev/null || true; }

# It speaks AMQP: its answer to the protocol header is a frame of type 1 (connection.start). It does so a moment before its
# start is complete, and RabbitMQ 4 throws replies (direct reply-to) away until then.
rabbitmq_is_healthy() {
  local first
  [[ "$(tac "$folder/rabbitmq/log" | grep -m1 -E 'Starting RabbitMQ|Server startup complete')" == *complete* ]] || return 1
  exec 4<>"/dev/tcp/127.0.0.1/$(port_of rabbitmq)" || return 1
  printf 'AMQP\0\0\011\001' >&4
  first="$(head -c 1 <&4 | od -An -tu1 | tr -d ' ')"
  exec 4<&- 4>&-
  [ "$first" = 1 ]
}

rabbitmq_variables() {
  echo "export WAYBILL_TEST_AMQP_URL=amqp://guest:guest@127.0.0.1:$(port_of rabbitmq)"
  echo "export WAYBILL_TEST_AMQP_TLS_URL=amqps://guest:guest@localhost:$(port_of rabbitmq-tls)"
  echo "export WAYBILL_TEST_CA=$folder/tls/ca.crt"
}
