#!/usr/bin/lua5.3
-- SPDX-License-Identifier: LGPL-2.1-or-later
-- A signal of a shop, three handlers and one veto, from Lua. Handlers see the same data, in an order
-- that they ask for by each other's names.
local Hookrun = require('lgi').require('Hookrun', '1')

local function before(id)
  return Hookrun.HandlerOptions.new({ id }, nil, nil, nil)
end

local function welcome(event)
  local data = event:get_data()
  data:set_string('greeting', 'Good day, ' .. data:get_string('guest'))
  return 'CONTINUE'
end

-- Runs before `welcome` although it was connected later.
local function title(event)
  local data = event:get_data()
  data:set_string('guest', 'Dr ' .. data:get_string('guest'))
  return 'CONTINUE'
end

local function doorman(event)
  if event:get_data():get_boolean('banned') then
    return event:fail('PERMISSION', 'not in this house')
  end
  return 'CONTINUE'
end

local registry = Hookrun.Registry.new()
local signal = registry:define('shop.open', {}, {})
local scope = Hookrun.Scope.new('example')
signal:connect(scope, 'welcome', nil, welcome)
signal:connect(scope, 'title', before('welcome'), title)
signal:connect(scope, 'doorman', before('title'), doorman)

local data = Hookrun.Data.new(nil)
data:set_string('guest', 'Ada')
signal:emit(data)
print(data:get_string('greeting'))

data:set_boolean('banned', true)
local verdict, error = signal:emit(data)
assert(verdict == 'FAILED')
print(error)
scope:close()
