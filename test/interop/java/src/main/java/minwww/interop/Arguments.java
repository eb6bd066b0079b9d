package minwww.interop;

import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/** Command line: {@code --name value} pairs and {@code --option key=value} (any number), the latter are I2CP or streaming options. */
final class Arguments {
    private final Map<String, String> values = new HashMap<>();
    private final Properties options = new Properties();

    Arguments(String[] args) {
        for (int i = 0; i + 1 < args.length; i += 2) {
            String name = args[i].substring(2), value = args[i + 1];
            if (name.equals("option")) options.setProperty(value.substring(0, value.indexOf('=')), value.substring(value.indexOf('=') + 1));
            else values.put(name, value);
        }
    }

    String get(String name) {
        String value = values.get(name);
        if (value == null) throw new IllegalArgumentException("--" + name + " is missing");
        return value;
    }

    String get(String name, String otherwise) { return values.getOrDefault(name, otherwise); }

    String host(String name) { return get(name).substring(0, get(name).lastIndexOf(':')); }

    int port(String name) { return Integer.parseInt(get(name).substring(get(name).lastIndexOf(':') + 1)); }

    /** Session options: the router's address, X25519 keys, and what was given by --option. */
    Properties sessionOptions() {
        Properties p = new Properties();
        p.setProperty("i2cp.tcp.host", host("i2cp"));
        p.setProperty("i2cp.tcp.port", Integer.toString(port("i2cp")));
        p.setProperty("i2cp.leaseSetEncType", "4");
        p.setProperty("i2cp.destination.sigType", "EdDSA_SHA512_Ed25519");
        p.putAll(options);
        return p;
    }
}
