import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.opensearch.cluster.service.ClusterService;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

/**
 * One OpenSearch node for tests, started from its jars: {@code OpenSearchNode DIRECTORY HTTP_PORT}.
 *
 * <p>It listens on 127.0.0.1 only and keeps its data in DIRECTORY/data, durably, so it may be killed and started again.
 */
public final class OpenSearchNode extends Node {
  /** Modules that a distribution carries and that Weir's requests need; class names differ between packagings. */
  private static final List<String> MODULES =
      List.of(
          "org.opensearch.transport.Netty4ModulePlugin",
          "org.opensearch.transport.Netty4Plugin",
          "org.opensearch.analysis.common.CommonAnalysisModulePlugin",
          "org.opensearch.analysis.common.CommonAnalysisPlugin",
          "org.opensearch.index.mapper.MapperExtrasModulePlugin",
          "org.opensearch.index.mapper.MapperExtrasPlugin",
          "org.opensearch.index.reindex.ReindexModulePlugin",
          "org.opensearch.index.reindex.ReindexPlugin");

  private OpenSearchNode(Settings settings, Path config) {
    super(
        InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "weir-test"),
        presentModules(),
        true);
  }

  @Override
  protected void configureNodeAndClusterIdStateListener(ClusterService clusterService) {
    // The listener would set up logging patterns for a distribution's log files, which are not there.
  }

  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]).toAbsolutePath();
    Node node = new OpenSearchNode(settings(directory, arguments[1]), Files.createDirectories(directory.resolve("config")));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    new CountDownLatch(1).await();
  }

  private static Settings settings(Path directory, String httpPort) {
    return Settings.builder()
        .put("cluster.name", "weir-test")
        .put("node.name", "weir-test")
        .put("discovery.type", "single-node")
        .put("path.home", directory)
        .put("path.data", directory.resolve("data"))
        .put("path.logs", directory.resolve("logs"))
        .put("network.host", "127.0.0.1")
        .put("http.port", httpPort)
        .put("transport.port", "0")
        .put("node.store.allow_mmap", false)
        // A nearly full developer's disk must not make indices read-only.
        .put("cluster.routing.allocation.disk.threshold_enabled", false)
        .build();
  }

  private static List<Class<? extends Plugin>> presentModules() {
    List<Class<? extends Plugin>> found = new ArrayList<>();
    for (String name : MODULES) {
      try {
        found.add(Class.forName(name).asSubclass(Plugin.class));
      } catch (ClassNotFoundException absent) {
        // The other packaging's name for the same module is in the list too.
      }
    }
    return found;
  }

  private static void close(Node node) {
    try {
      node.close();
    } catch (IOException problem) {
      System.err.println("could not close: " + problem);
    }
  }
}
