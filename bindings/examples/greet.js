#!/usr/bin/gjs
// SPDX-License-Identifier: LGPL-2.1-or-later
// A signal of a shop, three handlers and one veto, from JavaScript. Handlers see the same data, in an
// order that they ask for by each other's names.
imports.gi.versions.Hookrun = '1';
const { Hookrun } = imports.gi;

const before = id => Hookrun.HandlerOptions.new([id], null, null, null);

function welcome(event) {
    const data = event.get_data();
    data.set_string('greeting', `Good day, ${data.get_string('guest')}`);
    return Hookrun.Verdict.CONTINUE;
}

// Runs before `welcome` although it was connected later.
function title(event) {
    const data = event.get_data();
    data.set_string('guest', `Dr ${data.get_string('guest')}`);
    return Hookrun.Verdict.CONTINUE;
}

function doorman(event) {
    if (event.get_data().get_boolean('banned'))
        return event.fail(Hookrun.Error.PERMISSION, 'not in this house');
    return Hookrun.Verdict.CONTINUE;
}

const registry = Hookrun.Registry.new();
const signal = registry.define('shop.open', Hookrun.SignalFlags.NONE, []);
const scope = Hookrun.Scope.new('example');
signal.connect(scope, 'welcome', null, welcome);
signal.connect(scope, 'title', before('welcome'), title);
signal.connect(scope, 'doorman', before('title'), doorman);

const data = Hookrun.Data.new(null);
data.set_string('guest', 'Ada');
signal.emit(data);
print(data.get_string('greeting'));

data.set_boolean('banned', true);
try {
    signal.emit(data);
} catch (error) {
    print(error.message);
}
scope.close();
