package minwww.interop;

import java.util.Properties;
import net.i2p.router.Router;

/** Runs one Java I2P router in the directory given as the only argument. */
public final class RouterLauncher {
    public static void main(String[] args) throws Exception {
        String directory = args[0];
        Properties p = new Properties();
        for (String key : new String[] {"base", "config", "router", "app", "log", "pid"}) p.setProperty("i2p.dir." + key, directory);
        p.setProperty("i2p.dir.temp", directory + "/tmp");
        p.setProperty("router.configLocation", directory + "/router.config");
        p.setProperty("router.clientConfigFile", directory + "/clients.config");
        // Parts of the router read the system properties, others those of the context.
        for (String key : p.stringPropertyNames()) System.setProperty(key, p.getProperty(key));
        Router router = new Router(directory + "/router.config", p);
        router.setKillVMOnEnd(true);
        router.runRouter();
        Thread.sleep(Long.MAX_VALUE);
    }
}
