# Certificates for the brokers' TLS ports; sourced by brokers.sh. A new authority for each folder of brokers.

# tls_prepare: makes $folder/tls/{ca.crt,server.crt,server.key,server.pem}; the server is "localhost" and 127.0.0.1.
tls_prepare() {
  local to="$folder/tls"
  [ -s "$to/server.pem" ] && return
  mkdir -p "$to"
  (
    cd "$to"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=waybill test authority' -keyout ca.key -out ca.crt
    openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out server.crt \
      -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1')
    cat server.key server.crt >server.pem
  ) >"$to/log" 2>&1 || die "openssl could not make certificates; see $to/log"
}
