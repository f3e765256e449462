// SPDX-License-Identifier: LGPL-2.1-or-later
// A signal of a shop, three handlers and one veto, from Vala. Handlers see the same data, in an order
// that they ask for by each other's names.
//
//   valac --pkg hookrun-1 greet.vala
using Hookrun;

HandlerOptions before (string id) {
    return new HandlerOptions ({ id }, null, null, null);
}

Verdict welcome (Event event) {
    unowned Data data = event.get_data ();
    try {
        data.set_string ("greeting", "Good day, " + data.get_string ("guest"));
    } catch (GLib.Error error) {
        return event.take_error (error.copy ());
    }
    return Verdict.CONTINUE;
}

// Runs before `welcome` although it was connected later.
Verdict title (Event event) {
    unowned Data data = event.get_data ();
    try {
        data.set_string ("guest", "Dr " + data.get_string ("guest"));
    } catch (GLib.Error error) {
        return event.take_error (error.copy ());
    }
    return Verdict.CONTINUE;
}

Verdict doorman (Event event) {
    if (event.get_data ().get_boolean ("banned"))
        return event.take_error (new Hookrun.Error.PERMISSION ("not in this house"));
    return Verdict.CONTINUE;
}

void run () throws GLib.Error {
    var registry = new Registry ();
    Field[] fields = {
        Field () { name = "guest", type = FieldType.STRING, flags = FieldFlags.REQUIRED },
        Field () { name = "greeting", type = FieldType.STRING }
    };
    unowned Hookrun.Signal opened = registry.define ("shop.open", Hookrun.SignalFlags.NONE, fields);
    var scope = new Scope ("example");
    opened.connect (scope, "welcome", null, welcome);
    opened.connect (scope, "title", before ("welcome"), title);
    opened.connect (scope, "doorman", before ("title"), doorman);

    var data = new Data (opened.get_schema ());
    data.set_string ("guest", "Ada");
    opened.emit (data);
    print ("%s\n", data.get_string ("greeting"));

    data.set_boolean ("banned", true);
    try {
        opened.emit (data);
    } catch (GLib.Error error) {
        print ("%s\n", error.message);
    }
    scope.close ();
}

int main () {
    try {
        run ();
        return 0;
    } catch (GLib.Error error) {
        printerr ("%s\n", error.message);
        return 1;
    }
}
