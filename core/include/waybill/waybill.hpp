// The user's API in one include: Service, Client, Config, Error.
#pragma once

#include "waybill/client.hpp"
#include "waybill/config.hpp"
#include "waybill/context.hpp"
#include "waybill/error.hpp"
#include "waybill/fields.hpp"
#include "waybill/middleware.hpp"
#include "waybill/pattern.hpp"
#include "waybill/payload.hpp"
#include "waybill/service.hpp"
#include "waybill/stream.hpp"
#include "waybill/time.hpp"
